"""A captured file that is none of a source's forms is a failure, never a system with nothing."""

import plistlib
from pathlib import Path

import pytest

from quitus_agent import reading
from quitus_agent.errors import SourceError

READERS = reading.readers()
REGISTRY = "Windows Registry Editor Version 5.00\n\n"
# Nothing, what a failed command leaves, other people's files, and empty ones of forms we know.
OTHERS = {
    "nothing": b"",
    "blank": b"\n \n\n",
    "a sentence": b"bash: pacman: command not found\n",
    "a well-known one": b"The well-known quick-step  is a dance.\n",
    "columns": b"some  words  in  columns\n  more of  them  here\n",
    "a field": b"Foo: bar\n",
    "two paragraphs": b"Foo: bar\n\nQuux: 1\n",
    "accounts": b"root:x:0:0:root:/root:/bin/sh\nzoe:x:1000:1000::/home/zoe:/bin/sh\n",
    "an element": b"<a/>",
    "a page": b"<html><head><title>404</title></head><body><p>Not found</p></body></html>",
    "an object": b"{}",
    "an empty inventory": b'{"content": {}}',
    "a list": b"[]",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06",
    "numbers": bytes(range(256)) * 16,
    "settings": plistlib.dumps({"NSWindow": "0 0 800 600"}),
    "binary settings": plistlib.dumps({"NSWindow": 3}, fmt=plistlib.FMT_BINARY),
    "an empty property list": plistlib.dumps({}),
    "another list": plistlib.dumps([{"_dataType": "SPHardwareDataType", "_items": []}]),
    "an empty export": REGISTRY.encode("utf-16"),
    "another key": f'{REGISTRY}[HKEY_LOCAL_MACHINE\\HARDWARE]\n"a"="b"\n'.encode(),
    "another WMI list": b"Name=eth0\r\nSpeed=1000\r\n\r\n",
    "a heading": b"Name  Version  Rev  Tracking  Publisher  Notes\n",
}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_form_is_a_failure(tmp_path: Path, form: str, content: bytes) -> None:
    file = tmp_path / "capture"
    file.write_bytes(content)

    with pytest.raises(SourceError) as raised:
        list(READERS[form](file))

    assert str(file) in str(raised.value)


@pytest.mark.parametrize("form", ["click-to-run", "office-msi", "sql-server", "windows-edition"])
def test_a_person_s_part_of_the_registry_says_nothing_of_the_machine(
    tmp_path: Path, form: str
) -> None:
    file = tmp_path / "user.reg"
    file.write_text(f'{REGISTRY}[HKEY_CURRENT_USER\\Software\\Microsoft\\Office]\n"a"="b"\n')

    with pytest.raises(SourceError, match="holds nothing of the machine's SOFTWARE"):
        list(READERS[form](file))


@pytest.mark.parametrize("form", ["pacman", "dpkg"])
def test_a_folder_of_another_form_is_a_failure(tmp_path: Path, form: str) -> None:
    with pytest.raises(SourceError, match=str(tmp_path)):
        list(READERS[form](tmp_path))
