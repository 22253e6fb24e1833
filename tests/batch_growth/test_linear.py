"""The sizes of an even growth, worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.batch_growth.linear import Linear


def sizes(first: int, last: int, epochs: int) -> list[int]:
    return [Linear(last=last).size(first, epoch, epochs) for epoch in range(epochs)]


def test_by_hand() -> None:
    assert sizes(10, 50, 5) == [10, 20, 30, 40, 50]
    assert sizes(1, 4, 3) == [1, 2, 4]  # 2.5 is rounded to even
    assert sizes(8, 64, 1) == [8]


@given(first=st.integers(1, 512), last=st.integers(1, 4096), epochs=st.integers(2, 40))
def test_from_the_first_to_the_last_and_never_down(first: int, last: int, epochs: int) -> None:
    found = sizes(first, last, epochs)
    assert found == sorted(found)
    assert (found[0], found[-1]) == (first, max(first, last))


def test_refuses() -> None:
    with pytest.raises(ValidationError, match="last"):
        Linear(last=0)
