"""One form or handler under libFuzzer: `python -m tests.soak.target NAME CORPUS [flags]`.

A process of its own because libFuzzer takes it over, and code is watched only if it is imported
under its eyes.
"""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["quitus_agent", "quitus_collector", "plistlib"]):
    from quitus_agent.errors import SourceError
    from tests.makers import documents
    from tests.soak import handlers


def main() -> None:
    """Hands this process over."""
    name = sys.argv.pop(1)
    if name in handlers.HANDLERS:
        _fuzz_handler(name)
    else:
        _fuzz_form(name)


def _fuzz_form(name: str) -> None:
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

    _fuzz(read)


def _fuzz_handler(name: str) -> None:
    logging.disable()
    collector = handlers.Collector()
    # Its authorities are made anew in each run, so the whole requests are as well.
    for number, seed in enumerate(collector.seeds(name)):
        Path(sys.argv[1], f"seed-{number}").write_bytes(seed)

    def mutated(content: bytes, most: int, seed: int) -> bytes:
        return handlers.mutated(name, content, most, seed, atheris.Mutate)

    _fuzz(lambda content: collector.answer(name, content), custom_mutator=mutated)


def _fuzz(read: Callable[[bytes], object], **options: object) -> None:
    atheris.Setup(sys.argv, read, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
