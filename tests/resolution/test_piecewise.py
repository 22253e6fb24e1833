"""The sides of a list, worked by hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.resolution.piecewise import Piecewise


def sides(epochs: int, *listed: int | None, full: int = 32) -> list[int]:
    return [Piecewise(sides=listed).side(full, epoch, epochs) for epoch in range(epochs)]


def test_by_hand() -> None:
    assert sides(3, 16, 24, 32) == [16, 24, 32]
    assert sides(8, 20, 24, 32) == [20, 20, 20, 24, 24, 24, 32, 32]
    assert sides(2, 16, 20, 24, 32) == [16, 24]
    assert sides(4, 16, None) == [16, 16, 32, 32]
    assert sides(2, 16, None, full=28) == [16, 28]
    assert Piecewise(sides=(16, 32)).side(32, 7, 4) == 32


@given(listed=st.lists(st.integers(1, 32), min_size=1, max_size=6), times=st.integers(1, 9))
def test_equal_parts(listed: list[int], times: int) -> None:
    assert sides(len(listed) * times, *listed) == [side for side in listed for _ in range(times)]


@pytest.mark.parametrize("value", [(), (0,), (16, 2.5)])
def test_refuses(value: Any) -> None:
    with pytest.raises(ValidationError, match="sides"):
        Piecewise(sides=value)


def test_refuses_to_enlarge() -> None:
    with pytest.raises(ValueError, match=r"resolution\.sides: 33 would enlarge.*at most 32"):
        sides(2, 16, 33)
