"""Submissions that die anywhere: one declaration, one receipt. `make soak` runs 500 of them."""

import os
import subprocess
import sys

import pytest

CASES = os.environ.get("QUITUS_SUBMISSION_CRASHES", "60")
SEED = os.environ.get("QUITUS_SEED", "1")


@pytest.mark.e2e
def test_wherever_a_submission_dies_there_is_one_receipt_in_the_end() -> None:
    # A process of its own: one that others have started threads in had better not fork.
    done = subprocess.run(
        [sys.executable, "-m", "tests.portal.crashes", CASES, SEED],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith(f"{CASES} cases")
