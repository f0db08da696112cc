"""HiGHS without a word, and the types of its numbers."""

from typing import Any

import highspy
import numpy as np

INFINITY = highspy.kHighsInf

Numbers = np.ndarray[Any, np.dtype[Any]]


class Quiet(highspy.Highs):
    """HiGHS without its banner, which 1.16 prints from its constructor: standard output is ours."""

    def enableCallbacks(self) -> None:
        """The first thing that the constructor calls."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]
