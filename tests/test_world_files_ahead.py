"""The next rows of a file are read while those before are worked on."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from ecs_columnar.io.ahead import ahead


def numbers(n: int, made: list[int], error: Exception | None = None) -> Iterator[int]:
    for i in range(n):
        made.append(i)
        yield i
    if error is not None:
        raise error


@pytest.mark.parametrize("n", [0, 1, 5])
def test_items_come_in_their_order(n: int) -> None:
    made: list[int] = []

    assert list(ahead(numbers(n, made))) == list(range(n)) == made


def test_the_next_item_is_made_while_one_is_worked_on() -> None:
    is_next_made = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        is_next_made.set()
        yield 1

    seen = []
    for item in ahead(items()):
        assert is_next_made.wait(60)
        seen.append(item)

    assert seen == [0, 1]


def test_an_error_is_raised_in_its_turn() -> None:
    seen: list[int] = []

    with pytest.raises(ValueError, match="broken"):
        seen.extend(ahead(numbers(3, [], ValueError("broken"))))

    assert seen == [0, 1, 2]


def test_an_error_is_gone_with_the_last_who_knows_it() -> None:
    class Broken(Exception):
        """What can be referred to weakly."""

    def items() -> Iterator[int]:
        yield 0
        raise Broken

    gc.collect()
    gc.disable()
    try:
        list(ahead(items()))
    except Broken as error:
        found = weakref.ref(error)
    finally:
        gc.enable()

    assert found() is None


def test_no_more_than_one_item_is_made_ahead_and_no_thread_is_left() -> None:
    made: list[int] = []
    items = ahead(numbers(9, made))
    before = threading.active_count()

    for item in items:
        if item == 3:
            break
    items.close()

    assert made in ([0, 1, 2, 3], [0, 1, 2, 3, 4])
    assert threading.active_count() == before
