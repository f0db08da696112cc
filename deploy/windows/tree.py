"""What lies in the agent's folder on Windows, laid out as it will be there."""

import shutil
from pathlib import Path

from deploy.windows.runtime import PROJECT, Python, install_wheels, unpack

TASK = Path(__file__).with_name("task.xml")
# The agent and the wire; nothing of the collector.
OWN = ("agent/quitus_agent", "proto/quitus")
# Of wheels: what is only for those who compile or check types.
SPARED = ("*.pyi", "*.pyx", "*.pxd", "*.h", "__pycache__", "*.proto", "RECORD", "bin")
COMMAND = '@"%~dp0python.exe" -B -X utf8 -m quitus_agent %*\r\n'


def lay_out(folder: Path, archive: Path, python: Python, version: str) -> None:
    """Fills an empty folder with Python, wheels and the agent; raises BuildError."""
    unpack(archive, python, folder)
    site = folder / "site"
    install_wheels(python, site)
    for pattern in SPARED:
        for path in list(site.rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for own in map(PROJECT.joinpath, OWN):
        shutil.copytree(own, site / own.name, ignore=shutil.ignore_patterns(*SPARED))
    # The one that a build of ours left in the project's folder may be older.
    (site / "quitus_agent/_version.py").write_text(f'version = "{version}"\n')
    metadata = site / f"quitus-{version}.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: quitus\nVersion: {version}\n")
    # With this file Python looks nowhere else: not in the environment, the registry or at home.
    places = [f"python{python.tag}.zip", ".", "site"]
    (folder / f"python{python.tag}._pth").write_text("\n".join(places) + "\n")
    (folder / "quitus-agent.cmd").write_text(COMMAND, newline="")
    task = TASK.read_text(encoding="utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"')
    # schtasks takes anything else for the letters of the system's code page.
    (folder / TASK.name).write_text(task, encoding="utf-16", newline="\r\n")
