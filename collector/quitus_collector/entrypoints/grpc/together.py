"""Calls that each need a transaction share one, where they come close together."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, NamedTuple, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
# Who calls while nobody else did for so long is answered at once.
BUSY_S = 0.1


class Patience(NamedTuple):
    """For how many calls, or how long, a busy collector waits before it begins.

    A transaction costs about as much for many as for one; more than `most` gain nothing, take
    memory and keep the first ones waiting.
    """

    enough: int
    most_s: float
    most: int


# A call that changes little is not worth a long wait; one that costs thirty statements alone is,
# but it brings an inventory: 64 of these take all the memory that a worker should have.
BRIEF, LONG = Patience(16, 0.05, 256), Patience(32, 0.1, 32)


class Together(Generic[Question, Answer]):
    """Asks several questions at once."""

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Sequence[Answer | Exception]],
        executor: Executor,
        patience: Patience = BRIEF,
    ) -> None:
        """`answer` blocks and runs on `executor`; an exception among its answers is raised."""
        self._answer = answer
        self._patience = patience
        self._executor = executor
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._enough = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._ended_at = -BUSY_S

    async def ask(self, question: Question) -> Answer:
        """One answer; raises what the question was answered with, or what made all of them fail."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._waiting) == self._patience.enough:
            self._enough.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if loop.time() - self._ended_at < BUSY_S:
                await self._gather(loop)
            most = self._patience.most
            now, self._waiting = self._waiting[:most], self._waiting[most:]
            self._enough.clear()
            questions = [question for question, _ in now]
            try:
                answers = await loop.run_in_executor(self._executor, self._answer, questions)
            except Exception as error:
                answers = [error] * len(now)
            self._ended_at = loop.time()
            for (_, future), answer in zip(now, answers, strict=True):
                # Who hung up meanwhile has cancelled the call, and its future with it.
                if future.cancelled():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        self._working = None

    async def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until enough wait, or the time is over."""
        if len(self._waiting) < self._patience.enough:
            timer = loop.call_later(self._patience.most_s, self._enough.set)
            await self._enough.wait()
            timer.cancel()
