"""Runs the agent out of one file: unpacks its libraries once, then runs them.

Compiled modules cannot be imported out of an archive. They are unpacked into a folder of this
account's own, named by their digest, that nobody else may write: what root runs must be root's.
"""

import os
import shutil
import stat
import sys
import tempfile
import zipfile

DIGEST, MACHINE = "@DIGEST@", "@MACHINE@"
FOLDER = "QUITUS_AGENT_UNPACKED"


def fail(sentence):
    """Ends with one sentence."""
    sys.stderr.write("quitus-agent: " + sentence + "\n")
    sys.exit(1)


def own_folder():
    """Where this account keeps unpacked libraries."""
    if FOLDER in os.environ:
        folder = os.environ[FOLDER]
    elif os.geteuid() == 0:
        folder = "/var/cache/quitus-agent"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = os.path.join(cache, "quitus-agent")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        fail(f"{folder}: {error.strerror}; set {FOLDER} to a folder that may be written")
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not is_ours or found.st_mode & 0o022:
        fail(f"{folder} must be a folder of this account that nobody else may write")
    return folder


def unpacked(archive):
    """The libraries in `archive`, unpacked by this run or an earlier one."""
    folder = own_folder()
    libraries = os.path.join(folder, DIGEST)
    if os.path.isdir(libraries):
        return libraries
    beside = tempfile.mkdtemp(prefix=".new-", dir=folder)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [each for each in packed.namelist() if each.startswith("lib/")]
            packed.extractall(beside, members)
        os.rename(os.path.join(beside, "lib"), libraries)
    except OSError as error:
        # Two that start at once do the same work; the first one's is as good.
        if not os.path.isdir(libraries):
            fail(f"{folder} cannot be unpacked: {error.strerror}")
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    for other in os.listdir(folder):
        if other != DIGEST and not other.startswith("."):
            shutil.rmtree(os.path.join(folder, other), ignore_errors=True)
    return libraries


if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    fail("Python 3.11 to 3.14 is needed, this is {}.{}".format(*sys.version_info))
if not sys.platform.startswith("linux") or os.uname().machine != MACHINE:
    fail("this file is for Linux on " + MACHINE)
# With -I this archive is the only place beside the standard library.
sys.path[0] = unpacked(sys.path[0])

from quitus_agent.cli import run  # noqa: E402 - found only now

run()
