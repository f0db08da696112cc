"""Versions as package managers compare them: what comes before a release must sort before it."""

from packaging.version import InvalidVersion, Version

from deploy.packages.payload import PayloadError


def packaged(version: str) -> str:
    """A version of Python's as dpkg and rpm compare it: 1.0.0rc1 is 1.0.0~rc1, older than 1.0.0.

    Both read ~ as older than nothing, and ~~ as older than ~: what was developed before any
    candidate, 1.0.0.dev3, is 1.0.0~~dev3. Raises PayloadError where it is no version.
    """
    try:
        read = Version(version)
    except InvalidVersion as error:
        raise PayloadError(f"{version!r} is no version") from error
    text = ".".join(map(str, read.release))
    if read.pre:
        text += "~{}{}".format(*read.pre)
    if read.post is not None:
        text += f".post{read.post}"
    if read.dev is not None:
        text += f"{'~' if read.pre or read.post is not None else '~~'}dev{read.dev}"
    return f"{text}+{read.local}" if read.local else text
