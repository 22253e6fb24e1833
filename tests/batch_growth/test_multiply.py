"""The sizes of Smith et al.'s schedule, worked by hand."""

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.batch_growth.linear import Linear
from temper.batch_growth.multiply import Multiply
from temper.batch_growth.none import NoBatchGrowth
from temper.strategy import BatchGrowth


def sizes(first: int, epochs: int, **knobs: Any) -> list[int]:
    growth = Multiply(**{"factor": 2.0, "every": 2, "most": None} | knobs)
    return [growth.size(first, epoch, epochs) for epoch in range(epochs)]


def test_by_hand() -> None:
    assert sizes(128, 7) == [128, 128, 256, 256, 512, 512, 1024]
    assert sizes(128, 5, factor=5.0, every=1, most=3000) == [128, 640, 3000, 3000, 3000]
    assert sizes(10, 4, factor=1.5, every=1) == [10, 15, 22, 33]


@given(first=st.integers(1, 512), factor=st.floats(1.01, 10), every=st.integers(1, 9), most=st.integers(1, 9999))
def test_never_shrinks_and_keeps_to_the_most(first: int, factor: float, every: int, most: int) -> None:
    found = sizes(first, 30, factor=factor, every=every, most=most)
    assert found == sorted(found)
    assert found[0] == first
    assert max(found) <= max(first, most)


def test_goes_on_growing_by_a_small_factor() -> None:
    growth = Multiply(factor=1.05, every=1, most=None)
    assert [growth.size(32, epoch, 200) for epoch in (65, 100, 199)] == [int(32 * 1.05**e) for e in (65, 100, 199)]


@pytest.mark.parametrize(
    ("made", "grows"),
    [
        (Multiply(factor=2.0, every=10, most=None), False),
        (Multiply(factor=2.0, every=9, most=None), True),
        (Multiply(factor=2.0, every=1, most=64), False),
        (Linear(last=64), False),
        (Linear(last=65), True),
        (NoBatchGrowth(), True),
    ],
)
def test_want_a_batch_that_grows(made: BatchGrowth, grows: bool) -> None:
    with nullcontext() if grows else pytest.raises(ValueError, match="ends epochs=10 with the batch_size=64 that it"):
        made.check(64, 10)


def test_many_epochs_do_not_overflow() -> None:
    assert Multiply(factor=2.0, every=1, most=None).size(1, 100_000, 100_001) == 1e12
    assert Multiply(factor=2.0, every=1, most=4096).size(1, 100_000, 100_001) == 4096


@pytest.mark.parametrize(("knob", "value"), [("factor", 1.0), ("every", 0), ("most", 0)])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        sizes(8, 1, **{knob: value})
