"""The sizes of Smith et al.'s schedule, worked by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.batch_growth.multiply import Multiply


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


def test_many_epochs_do_not_overflow() -> None:
    assert Multiply(factor=2.0, every=1, most=4096).size(1, 100_000, 100_001) == 4096


@pytest.mark.parametrize(("knob", "value"), [("factor", 1.0), ("every", 0), ("most", 0)])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        sizes(8, 1, **{knob: value})
