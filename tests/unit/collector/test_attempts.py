from datetime import timedelta

from quitus_collector.services import attempts
from quitus_collector.services.attempts import FREE, WINDOW, Attempts
from tests.builders import NOON


def test_failures_are_free_up_to_a_number_and_forgotten_one_by_one() -> None:
    seen = Attempts()
    for _ in range(FREE - 1):
        seen.failed("192.0.2.1", NOON)
    assert seen.wait("192.0.2.1", NOON) == timedelta()

    for _ in range(50):
        seen.failed("192.0.2.1", NOON)

    wait = seen.wait("192.0.2.1", NOON)
    assert wait == WINDOW / FREE
    assert seen.wait("192.0.2.1", NOON + wait) == timedelta()
    assert seen.wait("192.0.2.2", NOON) == timedelta()


def test_addresses_of_one_network_of_ipv6_are_one() -> None:
    seen = Attempts()
    for number in range(FREE):
        seen.failed(f"2001:db8::{number:x}", NOON)

    assert seen.wait("2001:db8::ffff", NOON) > timedelta()
    assert seen.wait("2001:db8:0:1::1", NOON) == timedelta()


def test_no_more_addresses_are_remembered_than_memory_is_given() -> None:
    seen = Attempts()
    for number in range(attempts.MOST_REMEMBERED + 5):
        seen.failed(f"10.0.{number >> 8 & 255}.{number & 255}", NOON)

    assert len(seen._until) <= attempts.MOST_REMEMBERED
