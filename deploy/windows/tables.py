"""Rows of the package's tables beyond files: settings, rights, the scheduled task, removal.

What each number means is in Microsoft's "Database Tables" of Windows Installer.
"""

from collections.abc import Iterator
from typing import NamedTuple

from quitus_agent import identity, managed, spool

# What our product is, in all its versions.
UPGRADE_CODE = "5D1B9C58-4E0D-4C58-9B0F-3B9B0E9D7A11"
MAKER_FOLDER, AGENT_FOLDER = "QuitusFolder", "AgentFolder"
TASK_NAME = "QuitusAgent"
# Full control for the system and administrators, nothing for anybody else, nothing inherited.
ADMINISTRATORS_ALONE = "D:PAI(A;CI;KA;;;SY)(A;CI;KA;;;BA)"

# The oldest that our Python runs on; Windows Installer itself tells 10 and 11 from nothing.
WINDOWS, WINDOWS_10 = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", 10240
LOCAL_MACHINE = 2
RAW_64_BIT = 2 + 16
KEY_IN_REGISTRY_64_BIT = 4 + 256
SET_PROPERTY = 51
# A program by its full path, run by the installer's own account (34 + 1024 + 2048) ...
PROGRAM = 34 + 1024 + 2048
# ... whose failure may be passed over, or that only undoes.
PASSED_OVER, ON_ROLLBACK = 64, 256
ON_REMOVAL = 2
# Features stay as they were chosen (1), and the version named is one of them (512).
MIGRATES_UP_TO_THIS = 1 + 512

FIRST_INSTALL = "NOT Installed"
REMOVAL = 'REMOVE="ALL"'
# Of the old version, while a new one takes its place, removal is not the end.
GONE_FOR_GOOD = f"{REMOVAL} AND NOT UPGRADINGPRODUCTCODE"


class Given(NamedTuple):
    """A public property, kept in the registry from one version to the next."""

    property: str
    key: str
    value: str
    component: str


def _given(property_name: str, setting: str, component: str) -> Given:
    return Given(property_name, managed.INSTALLED_KEY, managed.value_name(setting), component)


GIVEN = (
    _given("COLLECTOR", "collector", "E0F38A3C-1A53-4A0C-9C2B-5E6E0B0C7A01"),
    _given("TOKENFILE", "token_file", "E0F38A3C-1A53-4A0C-9C2B-5E6E0B0C7A02"),
    _given("ENTITY", "entity", "E0F38A3C-1A53-4A0C-9C2B-5E6E0B0C7A03"),
    Given("TOKEN", managed.TOKEN_KEY, managed.TOKEN_VALUE, "E0F38A3C-1A53-4A0C-9C2B-5E6E0B0C7A04"),
)
SETTINGS_COMPONENT = "E0F38A3C-1A53-4A0C-9C2B-5E6E0B0C7A00"
SECRET = ("TOKEN", "KEPT_TOKEN")
STATE = r"[ProgramFiles64Folder]Quitus\state"
# By name, and whatever else lies there: Wine knows no names with stars.
KEPT = (
    *(identity.IDENTITY_FILE, identity.PENDING_KEY_FILE, identity.RENEWAL_KEY_FILE),
    *(identity.LOCK_FILE, spool.ACCEPTED_FILE, spool.TROUBLE_FILE, "*"),
)

COLUMNS = {
    "AppSearch": "Property Signature_",
    "Component": "Component ComponentId Directory_ Attributes Condition KeyPath",
    "CreateFolder": "Directory_ Component_",
    "CustomAction": "Action Type Source Target",
    "FeatureComponents": "Feature_ Component_",
    "InstallExecuteSequence": "Action Condition Sequence",
    "LaunchCondition": "Condition Description",
    "MsiLockPermissionsEx": "MsiLockPermissionsEx LockObject Table SDDLText",
    "Property": "Property Value",
    "RegLocator": "Signature_ Root Key Name Type",
    "Registry": "Registry Root Key Name Value Component_",
    "Upgrade": "UpgradeCode VersionMax Attributes ActionProperty",
    "RemoveFile": "FileKey Component_ FileName DirProperty InstallMode",
}

Row = tuple[str, tuple[str | int | None, ...]]


def queries(version: str) -> Iterator[str]:
    """All that is written into a package that wixl made of this version, in its order."""
    yield (
        "CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL,"
        " `LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL,"
        " `SDDLText` LONGCHAR NOT NULL, `Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)"
    )
    for table, values in (*_properties(), *_settings(), *_task(), *_removal()):
        yield _inserted(table, values)
    secure = ("KEEPSTATE", *(each.property for each in GIVEN))
    found = ("WIX_DOWNGRADE_DETECTED", "WIX_UPGRADE_DETECTED")
    yield (
        f"UPDATE `Property` SET `Value`='{';'.join((*secure, *found))}'"
        " WHERE `Property`='SecureCustomProperties'"
    )
    # The old version goes within the transaction: if the new one fails, the old one stays.
    removal = "`Action`='RemoveExistingProducts'"
    yield f"UPDATE `InstallExecuteSequence` SET `Sequence`=1501 WHERE {removal}"
    # Another build of the same version takes the place of the one that is there, too.
    yield "DELETE FROM `Upgrade` WHERE `ActionProperty`='WIX_UPGRADE_DETECTED'"
    older = (f"{{{UPGRADE_CODE}}}", version, MIGRATES_UP_TO_THIS, "WIX_UPGRADE_DETECTED")
    yield _inserted("Upgrade", older)


def _properties() -> Iterator[Row]:
    for name, value in (
        ("MsiHiddenProperties", ";".join(SECRET)),
        ("REBOOT", "ReallySuppress"),
        ("ARPNOMODIFY", "1"),
        # Anybody may start a repair, and it runs as the system.
        ("ARPNOREPAIR", "1"),
    ):
        yield "Property", (name, value)
    yield "AppSearch", ("WINDOWS_BUILD", "windowsBuild")
    place = (LOCAL_MACHINE, WINDOWS, "CurrentBuildNumber", RAW_64_BIT)
    yield "RegLocator", ("windowsBuild", *place)
    too_old = "L’agent Quitus demande Windows 10 ou plus récent."
    yield "LaunchCondition", (f"Installed OR WINDOWS_BUILD >= {WINDOWS_10}", too_old)


def _settings() -> Iterator[Row]:
    yield "InstallExecuteSequence", ("AppSearch", None, 50)
    yield "InstallExecuteSequence", ("RemoveRegistryValues", None, 2600)
    yield "InstallExecuteSequence", ("WriteRegistryValues", None, 5000)
    for number, given in enumerate(GIVEN):
        kept, keep = f"KEPT_{given.property}", f"Keep{given.value}"
        component, row = f"Given{given.value}", f"given{given.value}"
        yield "AppSearch", (kept, f"kept{given.value}")
        place = (LOCAL_MACHINE, given.key, given.value)
        yield "RegLocator", (f"kept{given.value}", *place, RAW_64_BIT)
        yield "CustomAction", (keep, SET_PROPERTY, given.property, f"[{kept}]")
        # In a repair always, to nothing too: it would write what whoever started it gave. A token
        # is gone once it was used, and until then no account but administrators' finds it.
        unless_given = f"Installed OR ({kept} AND NOT {given.property})"
        yield "InstallExecuteSequence", (keep, unless_given, 51 + number)
        yield from _component(component, given.component, given.property, row)
        yield "Registry", (row, *place, f"[{given.property}]", component)
        if given.property in SECRET:
            rights = ("lock" + row, row, "Registry", ADMINISTRATORS_ALONE)
            yield "MsiLockPermissionsEx", rights
    yield from _component("Settings", SETTINGS_COMPONENT, None, "settings")
    here = (LOCAL_MACHINE, managed.INSTALLED_KEY)
    yield "Registry", ("settings", *here, "Version", "[ProductVersion]", "Settings")
    # A dash: the whole key goes with the component, also what was written there later.
    for name, key in (("forgetToken", managed.TOKEN_KEY), ("forgetSettings", here[1])):
        yield "Registry", (name, LOCAL_MACHINE, key, "-", None, "Settings")


def _task() -> Iterator[Row]:
    program = '"[System64Folder]schtasks.exe"'
    named = f'/tn "{TASK_NAME}"'
    create = f'{program} /create {named} /xml "[{AGENT_FOLDER}]task.xml" /f'
    delete = f"{program} /delete {named} /f"
    for name, kind, command, condition, sequence in (
        ("EndTask", PROGRAM + PASSED_OVER, f"{program} /end {named}", REMOVAL, 1550),
        ("DeleteTask", PROGRAM + PASSED_OVER, delete, GONE_FOR_GOOD, 1560),
        (
            "UndoTask",
            PROGRAM + PASSED_OVER + ON_ROLLBACK,
            delete,
            f"{FIRST_INSTALL} AND NOT WIX_UPGRADE_DETECTED",
            5590,
        ),
        # Never in a repair, which anybody may start: it runs as the system, with a window.
        ("CreateTask", PROGRAM, create, FIRST_INSTALL, 5600),
    ):
        yield "CustomAction", (name, kind, AGENT_FOLDER, command)
        yield "InstallExecuteSequence", (name, condition, sequence)


def _removal() -> Iterator[Row]:
    """The identity and what waits go with the agent, unless KEEPSTATE says otherwise."""
    condition = f"{GONE_FOR_GOOD} AND NOT KEEPSTATE"
    waiting, state = "FORGET_WAITING", "FORGET_STATE"
    # Of a property that is not set Windows Installer removes nothing.
    for number, (name, folder) in enumerate(
        ((waiting, f"{STATE}\\{spool.WAITING_FOLDER}\\"), (state, f"{STATE}\\"))
    ):
        yield "CustomAction", (f"Set{name}", SET_PROPERTY, name, folder)
        yield "InstallExecuteSequence", (f"Set{name}", condition, 1010 + number)
    # All files of a folder, then the folder, once it is empty.
    places = [(waiting, "*"), (waiting, None), *((state, file) for file in KEPT), (state, None)]
    for number, (name, file) in enumerate(places):
        yield "RemoveFile", (f"forget{number:02}", "Settings", file, name, ON_REMOVAL)
    yield "CreateFolder", (MAKER_FOLDER, "Settings")
    yield "InstallExecuteSequence", ("RemoveFolders", None, 3600)
    yield "InstallExecuteSequence", ("CreateFolders", None, 3700)


def _component(name: str, guid: str, condition: str | None, key: str) -> Iterator[Row]:
    place = (f"{{{guid}}}", AGENT_FOLDER, KEY_IN_REGISTRY_64_BIT)
    yield "Component", (name, *place, condition, key)
    yield "FeatureComponents", ("Agent", name)


def _inserted(table: str, values: tuple[str | int | None, ...]) -> str:
    given = [
        (column, value)
        for column, value in zip(COLUMNS[table].split(), values, strict=True)
        if value is not None
    ]
    columns = ", ".join(f"`{column}`" for column, _ in given)
    written = ", ".join(
        f"'{value}'" if isinstance(value, str) else str(value) for _, value in given
    )
    return f"INSERT INTO `{table}` ({columns}) VALUES ({written})"
