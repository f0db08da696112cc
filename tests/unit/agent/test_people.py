from pathlib import Path

from quitus_agent import people

LAST_USER = (
    '<?xml version="1.0"?><plist version="1.0"><dict>'
    "<key>lastUserName</key><string>amelie</string></dict></plist>"
)


def login(user: str, kind: int = people.USER_PROCESS) -> bytes:
    return people.LOGIN_RECORD.pack(kind, 1, b"pts/0", b"0", user.encode(), b"host")


def system_with_wtmp(root: Path, content: bytes) -> Path:
    file = root / people.WTMP
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return root


def test_the_primary_user_is_who_logged_in_most(tmp_path: Path) -> None:
    logins = ["amélie", "bruno", "root", "root", "root", "amélie", "bruno", "bruno"]

    root = system_with_wtmp(tmp_path, b"".join(map(login, logins)))

    assert people.primary_user(root) == "bruno"


def test_of_two_who_logged_in_as_often_it_is_the_later() -> None:
    assert people.most_frequent(["amelie", "bruno", "amelie", "bruno"]) == "bruno"
    assert people.most_frequent([]) == ""
    assert people.most_frequent(["root", ""]) == ""


def test_a_reboot_is_no_login_and_a_cut_record_is_left_out() -> None:
    content = login("reboot", kind=2) + login("amelie") + login("bruno")[:100]

    assert people.parse_wtmp(content) == ["amelie"]


def test_only_the_last_logins_of_a_long_file_are_read(tmp_path: Path) -> None:
    old, new = login("old") * (people.MAX_LOGINS + 5), login("new") * people.MAX_LOGINS

    assert people.primary_user(system_with_wtmp(tmp_path, old + new)) == "new"


def test_a_mac_tells_who_logged_in_last(tmp_path: Path) -> None:
    file = tmp_path / people.MACOS_LOGIN_WINDOW
    file.parent.mkdir(parents=True)
    file.write_text(LAST_USER)

    assert people.primary_user(tmp_path) == "amelie"


def test_a_damaged_preference_tells_nobody(tmp_path: Path) -> None:
    file = tmp_path / people.MACOS_LOGIN_WINDOW
    file.parent.mkdir(parents=True)
    file.write_text(LAST_USER[:60])

    assert people.primary_user(tmp_path) == ""


def test_a_system_that_is_not_running_has_nobody_logged_in(tmp_path: Path) -> None:
    assert people.primary_user(tmp_path) == ""
