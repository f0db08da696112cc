"""Families of operating systems, as declarations tell them apart."""

import re
from enum import StrEnum
from functools import lru_cache


class System(StrEnum):
    """WINDOWS: nothing tells whether a workstation's or a server's. UNKNOWN: nothing was told."""

    WINDOWS_WORKSTATION = "windows-workstation"
    WINDOWS_SERVER = "windows-server"
    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"
    OTHER = "other"
    UNKNOWN = "unknown"


# As devices, directories and people write them, in lower case; the first that is found wins.
# What Active Directory's operatingSystem holds is what each system writes there itself.
FAMILIES = (
    (
        System.WINDOWS_SERVER,
        re.compile(
            r"windows.*\b(server|serveur)\b|\b(server|serveur)s?\b.*windows"
            r"|windows (2003|2008|2012|2016|2019|2022|2025)\b|\bhyper-v server|\bazure stack hci\b"
        ),
    ),
    (
        System.WINDOWS_WORKSTATION,
        re.compile(
            r"windows.*\b(xp|vista|7|8|8\.1|10|11|12|pro|professional|professionnel|home|famille"
            r"|entreprise|enterprise|education|éducation|embedded|iot|workstation|poste)\b"
            r"|\b(pc|postes?|workstations?|laptops?|desktops?)\b.*windows"
        ),
    ),
    (System.WINDOWS, re.compile(r"\b(ms)?windows\b")),
    (System.MACOS, re.compile(r"\bmac ?os\b|\bos x\b|\bmacos|\bdarwin\b")),
    (
        System.LINUX,
        re.compile(
            r"linux|\b(debian|ubuntu|fedora|centos|rhel|red ?hat|sles|sled|(open)?suse|arch|nixos"
            r"|mint|manjaro|gentoo|raspbian|devuan|mageia|zorin|pop!_os|elementary os|kali"
            r"|slackware|proxmox|raspberry pi os)\b"
        ),
    ),
)


@lru_cache(maxsize=4096)
def family(name: str) -> System:
    """The family of a system that is called so; of an empty name UNKNOWN."""
    told = " ".join(name.split()).casefold()
    if not told:
        return System.UNKNOWN
    return next((each for each, words in FAMILIES if words.search(told)), System.OTHER)
