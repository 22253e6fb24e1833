"""The sides of an even growth, worked by hand, and over all knobs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.resolution.linear import Linear


def sides(epochs: int, full: int = 32, **knobs: Any) -> list[int]:
    resolution = Linear(**{"first": 16, "until": 0.5, "multiple": 4} | knobs)
    return [resolution.side(full, epoch, epochs) for epoch in range(epochs)]


def test_by_hand() -> None:
    assert sides(8) == [16, 20, 24, 28, 32, 32, 32, 32]
    assert sides(8, multiple=1, first=20) == [20, 23, 26, 29, 32, 32, 32, 32]
    assert sides(4, first=18, multiple=8) == [18, 24, 32, 32]  # 18 is no multiple, and yet the least
    assert sides(3, first=32) == [32, 32, 32]
    assert sides(1) == [16]


@given(
    epochs=st.integers(1, 50),
    full=st.integers(8, 64),
    first=st.integers(1, 8),
    until=st.floats(0.01, 0.99),
    multiple=st.integers(1, 16),
)
def test_never_shrinks_nor_leaves_its_bounds(epochs: int, full: int, first: int, until: float, multiple: int) -> None:
    found = sides(epochs, full, first=first, until=until, multiple=multiple)
    assert found == sorted(found)
    assert found[0] == first
    assert found[-1] <= full
    assert all(side in (first, full) or side % multiple == 0 for side in found)
    assert all(side == full for epoch, side in enumerate(found) if epoch >= until * epochs + 1e-9)


@pytest.mark.parametrize(("knob", "value"), [("first", 0), ("until", 0.0), ("until", 1.0), ("multiple", 0)])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        sides(1, **{knob: value})


def test_refuses_to_enlarge() -> None:
    with pytest.raises(ValueError, match=r"resolution\.first=40.*at most 32"):
        sides(2, first=40)
