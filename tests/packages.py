"""The packages of `make packages`, built for tests: quickly rather than small."""

import shutil
import subprocess
import sys
from pathlib import Path
from shutil import which

ROOT = Path(__file__).parents[1]
# The forms of a package, and what makes them.
TOOLS = {"deb": "dpkg-deb", "rpm": "rpmbuild", "single": "sh"}


class Packages:
    """What `make packages` makes, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, form: str, program: str = "agent") -> Path:
        """The package of this form, `deb`, `rpm` or `pyz`; all of a program are built at once."""
        out = self.folder / program
        if not out.exists():
            made = (
                ["deb"]
                if program == "collector"
                else [f for f, tool in TOOLS.items() if which(tool)]
            )
            forms = [word for each in made for word in ("--form", each)]
            build = (sys.executable, "-m", "deploy.packages", "--level", "0", "--out", out)
            subprocess.run(
                [*build, "--program", program, *forms], cwd=ROOT, check=True, capture_output=True
            )
        (found,) = out.glob(f"*.{form}")
        return found

    def next_version(self, deb: Path) -> Path:
        """The same package with a higher version, as an upgrade."""
        later, content = self.folder / "later", self.folder / "content"
        later.mkdir(exist_ok=True)
        subprocess.run(["dpkg-deb", "-R", deb, content], check=True)
        control = content / "DEBIAN/control"
        text = control.read_text()
        (version,) = (line[9:] for line in text.splitlines() if line.startswith("Version: "))
        control.write_text(text.replace(f"Version: {version}\n", f"Version: {version}+next\n"))
        made = later / deb.name.replace(version, f"{version}+next")
        command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "-b", content, made]
        subprocess.run(command, check=True, capture_output=True)
        shutil.rmtree(content)
        return made
