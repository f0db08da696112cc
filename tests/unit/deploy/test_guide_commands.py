"""Every command of the guides for Windows, Linux and Ansible is run by a test, or excused."""

import re
from pathlib import Path

import pytest

from tests.handbook import COMMANDS, ELSEWHERE, GUIDE, LANGUAGES

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Where lines of this form are run, taken out of the guide by the test that is named.
LINUX, ANSIBLE = "e2e/linux/test_packages.py", "e2e/linux/test_ansible.py"
RUN = {
    r"quitus-collector (token|devices) .*": "unit/deploy/test_windows_guide.py",
    r"-Package .*": "unit/deploy/test_startup_script.py",
    r"msiexec /[ix] .*": "e2e/windows/test_installer.py",
    r"sudo apt-get install \./quitus-agent_.*|echo 'collector = .*": LINUX,
    r"sudo quitus-agent (enrol --token-file jeton|report|status)|rm jeton": LINUX,
    r"systemd-analyze security quitus-agent\.service": LINUX,
    r"sudo install -m 0755 .*\.pyz .*|sudo quitus-agent enrol --collector .*": LINUX,
    r"ansible-(playbook|galaxy|doc|vault) .*": ANSIBLE,
    r"sudo install -d -m 0700 /etc/credstore.*|sudo sh -c 'umask 077; .*/etc/credstore/.*": ANSIBLE,
    r"sudo systemd-creds encrypt .*|sudo rm /etc/credstore/.*": ANSIBLE,
    r"sudo apt-get install \./quitus-collector_.*|sudo install -o quitus-collector .*": ANSIBLE,
    r"sudo sh -c 'quitus-collector restore .*|sudo quitus-collector doctor": ANSIBLE,
    r"sudo systemctl start( quitus-collector(-backup|-console)?\.service)+": ANSIBLE,
}
# What cannot be run by a test, and why.
EXCUSED = {
    r"sudo apt-get install --no-install-recommends .*": "the distribution's index, at each run; "
    "tests/capabilities.py installs the same packages where a test needs them",
    r"python3 -m venv ~/\w+|\. ~/ansible/bin/activate": "the next two, which fill it",
    r"pip install ansible|~/sigstore/bin/pip install .*": "half a gigabyte of the package index; "
    "the tests' own environment is made the same way",
    r"~/sigstore/bin/python -m sigstore verify .*": "Sigstore's servers and python.org's file",
    r"make msi .*": "python.org's file; tests/e2e/windows makes the package of another Python",
    r"osslsigncode .*": "an authority and a timestamping service; "
    "tests/integration/test_windows_signing.py signs with its own",
    r'"C:\\Program Files\\Quitus\\Agent\\quitus-agent\.cmd" preview': "Wine runs what is in it",
    r"make packages.*": "minutes; tests/packages.py runs the module behind it",
    r"\.venv/bin/python -m deploy\.packages .*": "wheels of processors that nothing here runs",
    r"make \.venv/\.runtime": "the tests run in it",
    r"deploy/macos/build\.sh .*|sudo installer .*": "a Mac",
    r"sudo /opt/quitus-agent/bin/check": "a Mac; unit/deploy/test_packages.py runs the script",
    r"sudo systemctl edit quitus-agent\.timer": "it opens an editor",
    r"sudo apt-get install \./dist/quitus-collector_.*": f"the role does it in {ANSIBLE}",
    r"sudo quitus-collector (init|upgrade).*": f"the role does it in {ANSIBLE}",
    r"quitus-collector doctor": "the handbook's commands have it, tests/e2e/handbook",
}


def lines(language: str) -> list[str]:
    """The commands of these guides."""
    return [
        line
        for page in ELSEWHERE
        for kind, text in BLOCK.findall((GUIDE / language / f"{page}.md").read_text("utf-8"))
        if kind in COMMANDS
        for line in text.splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_run_somewhere_or_excused_once(language: str) -> None:
    known = [*RUN, *EXCUSED]

    for line in lines(language):
        fitting = [each for each in known if re.fullmatch(each, line)]
        assert len(fitting) == 1, (line, fitting)


def test_no_excuse_and_no_test_is_left_over() -> None:
    told = lines("fr")

    for pattern in (*RUN, *EXCUSED):
        assert any(re.fullmatch(pattern, line) for line in told), pattern


def test_the_tests_that_are_named_read_the_guide() -> None:
    for name in set(RUN.values()):
        assert "guide" in (Path("tests") / name).read_text("utf-8"), name
