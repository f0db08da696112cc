"""One form under libFuzzer: `python -m tests.soak.target FORM CORPUS [libFuzzer's flags]`.

A process of its own because libFuzzer takes it over, and code is watched only if it is imported
under its eyes.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["quitus_agent", "plistlib"]):
    from quitus_agent.errors import SourceError
    from tests.makers import documents


def main() -> None:
    """Hands this process over."""
    name = sys.argv.pop(1)
    form = documents.FORMS[name]
    # In memory: a disk would wear out.
    file = Path(f"/dev/shm/quitus-fuzz-{name}")

    def read(content: bytes) -> None:
        file.write_bytes(form.mended(content))
        try:
            for _ in form.read(file):
                pass
        except (SourceError, RecursionError):
            pass

    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
