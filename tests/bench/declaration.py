"""What a declaration takes beside its position: `make bench-declaration`.

Drafting names the devices behind every count, makes the evidence tree and typesets the document;
a long document is typeset by itself, and sealed. On SQLite; seconds are of processor time, of the
collector's own code, the loading apart.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pypdf import PdfReader

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.adapters.declaration import typst
from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.seal import pades
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.cli.program import SEARCHES
from quitus_collector.domain.company import Company
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.evidence import Evidence
from quitus_collector.domain.holding import NOBODY
from quitus_collector.services import declaring, licensing
from quitus_collector.services.pools import take_in
from quitus_collector.services.recognition import refresh
from tests.bench.loading import LOADED_AT, load
from tests.bench.measure import Ratio, write
from tests.bench.store import _pools
from tests.fakes.clock import FakeClock
from tests.makers.declarations import a_whole_declaration
from tests.makers.signing import Authority

T = TypeVar("T")
TARGET, AFTER_POSITION_S = 100_000, 5
PAGES, PAGES_S = 60, 3
FRENCH = Messages("fr", ZoneInfo("Europe/Paris"))


def main() -> int:
    """Measures and prints; the exit status tells whether the promises were kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=TARGET)
    devices = parser.parse_args().devices
    # As the command does before it drafts.
    gc.freeze()
    gc.set_threshold(*SEARCHES)
    figures, ratios = {}, []
    with tempfile.TemporaryDirectory() as folder:
        drafted = _drafting(Path(folder), devices)
        figures |= drafted
    print(f"{devices:,} devices: " + ", ".join(f"{name} {n:,.2f}" for name, n in drafted.items()))
    after = drafted["draft s"] + drafted["typeset s"] - drafted["position s"]
    if devices == TARGET:
        ratios.append(Ratio("drafting after the position", after, AFTER_POSITION_S, 1))
    long = _long()
    figures |= long
    print("a long document: " + ", ".join(f"{name} {n:,.2f}" for name, n in long.items()))
    ratios.append(Ratio("60 pages", long["60 pages s"], PAGES_S, 1))
    print("", *ratios, sep="\n")
    kept = write("declaration", {**figures, "ratios": [each._asdict() for each in ratios]})
    print(f"\nfigures in {kept}")
    return 0 if all(each.ours <= each.limit * each.theirs for each in ratios) else 1


def _drafting(folder: Path, devices: int) -> dict[str, float]:
    clock = FakeClock(LOADED_AT)
    store = SQLStore(f"sqlite:///{folder}/quitus.db", create=True, now=clock.now)
    store.upgrade()
    load(store, devices)
    catalogue, solver = catalogue_files.load(catalogue_files.SHIPPED), HighsSolver()
    refresh(store, catalogue)
    take_in(store, catalogue, clock, _pools(devices), NOBODY)

    def draft() -> tuple[Declaration, Evidence]:
        return declaring.draft(
            store,
            catalogue,
            solver,
            clock,
            company=Company("Ateliers Mercure"),
            publisher=None,
            software_version="bench",
            seed=os.urandom(32),
        )

    licensing.position(store, catalogue, solver, clock)
    _, position_s = _timed(lambda: licensing.position(store, catalogue, solver, clock))
    (declaration, evidence), draft_s = _timed(draft)
    _, typeset_s = _timed(lambda: typst.render(declaration, FRENCH))
    kept, write_s = _timed(lambda: evidence_files.write(evidence))
    store.close()
    return {
        "lines": len(declaration.lines),
        "parts": sum(map(len, evidence.parts.values())),
        "position s": position_s,
        "draft s": draft_s,
        "typeset s": typeset_s,
        "evidence file s": write_s,
        "evidence file MB": len(kept) / 1e6,
    }


def _long() -> dict[str, float]:
    """A document that is made longer until it has the pages."""
    lines, pages, seconds, pdf = 500, 0, 0.0, b""
    typst.render(_of(1), FRENCH)
    while pages < PAGES:
        lines += 100
        declaration = _of(lines)
        pdf, seconds = _timed(lambda declaration=declaration: typst.render(declaration, FRENCH))
        pages = len(PdfReader(BytesIO(pdf)).pages)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        file = Authority(now).certify("Ateliers Mercure").pkcs12(Path(folder))
        by = pades.credential(file, Path(folder) / "passphrase", now)
        _, seal_s = _timed(lambda: pades.seal(pdf, by, reason="bench", at=now))
    return {
        "lines": lines,
        "pages": pages,
        "typeset s": seconds,
        "60 pages s": seconds * PAGES / pages,
        "seal s": seal_s,
    }


def _of(lines: int) -> Declaration:
    declaration, _ = a_whole_declaration()
    some = declaration.position.lines
    many = tuple(
        replace(
            some[number % len(some)], product=f"microsoft/x@{number}", label=f"Produit {number}"
        )
        for number in range(lines)
    )
    return replace(declaration, position=replace(declaration.position, lines=many))


def _timed(action: Callable[[], T]) -> tuple[T, float]:
    """Its result, and seconds of processor time: what a loaded machine changes least."""
    start = time.process_time()
    return action(), time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
