"""What is counted behind a page: who asks waits a moment, and is told to come again otherwise."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

# A page answers within the blink of an eye, or says that it is being worked on.
PATIENCE_S = 0.2
KEPT = 24


class Background:
    """Answers by what was asked, the last ones kept; one question is worked on at a time."""

    def __init__(self) -> None:
        """Starts no thread before something is asked."""
        self.patience_s = PATIENCE_S
        self._asked: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")

    def close(self) -> None:
        """Nobody wants to know any more: what has not begun is not worked on."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def get(self, question: Hashable, answer: Callable[[], Any]) -> Any | None:
        """The answer; None while it is not there. Raises, once, what `answer` raised.

        What is asked for the first time while others are worked on comes after them.
        """
        with self._lock:
            found = self._asked.get(question)
            if found is None:
                found = self._asked[question] = self._worker.submit(answer)
            self._asked.move_to_end(question)
            while len(self._asked) > KEPT:
                _, oldest = self._asked.popitem(last=False)
                oldest.cancel()
        try:
            return found.result(self.patience_s)
        except (NotYet, CancelledError):
            # What was put aside for newer questions is asked again by who still wants it.
            return None
        except BaseException:
            with self._lock:
                self._asked.pop(question, None)
            raise
