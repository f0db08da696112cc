"""Calls that come close together are answered in one go."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from quitus_collector.entrypoints.grpc.together import (
    BRIEF,
    LONG,
    Patience,
    Together,
)


class Clerk:
    """Doubles numbers, refuses odd ones, and remembers how many came at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may_go = Event()
        self.may_go.set()

    def answer(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.may_go.wait(30)
        self.batches.append(len(numbers))
        if 13 in numbers:
            raise RuntimeError("everything failed")
        return [ValueError(str(each)) if each % 2 else 2 * each for each in numbers]


def run(
    clerk: Clerk, *rounds: Sequence[int], patience: Patience = BRIEF
) -> list[list[int | BaseException]]:
    async def ask() -> list[list[int | BaseException]]:
        with ThreadPoolExecutor(1) as executor:
            together: Together[int, int] = Together(clerk.answer, executor, patience)
            return [
                await asyncio.gather(*map(together.ask, numbers), return_exceptions=True)
                for numbers in rounds
            ]

    return asyncio.run(ask())


def test_each_question_gets_its_own_answer() -> None:
    clerk = Clerk()

    (answers,) = run(clerk, [2, 4, 6])

    assert answers == [4, 8, 12]


def test_one_refusal_leaves_the_others_answered() -> None:
    (answers,) = run(Clerk(), [2, 3, 4])

    assert (answers[0], str(answers[1]), answers[2]) == (4, "3", 8)
    assert isinstance(answers[1], ValueError)


def test_what_makes_all_fail_is_told_to_all_and_the_next_ones_are_served() -> None:
    failed, served = run(Clerk(), [2, 13], [2])

    assert {type(each) for each in failed} == {RuntimeError}
    assert served == [4]


@pytest.mark.parametrize("patience", [BRIEF, LONG], ids=["brief", "long"])
def test_questions_that_come_meanwhile_go_together_but_never_too_many(patience: Patience) -> None:
    clerk = Clerk()
    count = 3 * patience.most

    (answers,) = run(clerk, [2 * number for number in range(count)], patience=patience)

    assert answers == [4 * number for number in range(count)]
    assert len(clerk.batches) <= 4
    assert max(clerk.batches) == patience.most


@pytest.mark.parametrize("patience", [BRIEF, LONG], ids=["brief", "long"])
def test_a_busy_clerk_gathers_single_questions(patience: Patience) -> None:
    clerk = Clerk()

    async def ask() -> None:
        with ThreadPoolExecutor(1) as executor:
            together: Together[int, int] = Together(clerk.answer, executor, patience)
            await together.ask(2)
            tasks = []
            for _ in range(patience.enough):
                tasks.append(asyncio.create_task(together.ask(2)))
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)

    asyncio.run(ask())

    assert clerk.batches == [1, patience.enough]


def test_who_hangs_up_does_not_disturb_the_others() -> None:
    clerk = Clerk()
    clerk.may_go.clear()

    async def ask() -> int:
        with ThreadPoolExecutor(1) as executor:
            together: Together[int, int] = Together(clerk.answer, executor)
            first, second = (asyncio.create_task(together.ask(each)) for each in (2, 4))
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            clerk.may_go.set()
            return await second

    assert asyncio.run(ask()) == 8
