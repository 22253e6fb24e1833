"""Progressive freezing: when each block stops."""

import pytest
from pydantic import ValidationError

from temper.layer_freezing.progressive import Progressive
from temper.quantity import Clock

CLOCK = Clock(tuple(range(0, 50, 10)))  # 4 epochs of 10 steps


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (("50%",), [20, 40, 40]),
        (("1epochs", "30steps"), [10, 30, 40]),
        (("1.5epochs", "1.5epochs", "100%"), [15, 15, 40]),
        (("1%",), [1, 40, 40]),  # not before the first step
        (("10%", "99epochs"), [4, 40, 40]),
        (("1epochs", "5%"), [10, 10, 40]),  # of a run that debug has cut short
    ],
)
def test_each_block_learns_for_its_span(until: tuple[str, ...], expected: list[int]) -> None:
    assert Progressive(until=until).ends(3, CLOCK) == expected


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (("10%",) * 4, r"until names 4 blocks, and the network has 3 before its head: at most so many$"),
        (("50%", "1epochs"), r"until: 1epochs is before 50%"),
        (("10%", "30%", "11steps"), r"until: 11steps is before 30%"),
    ],
)
def test_refuses_what_the_network_or_the_run_cannot_do(until: tuple[str, ...], said: str) -> None:
    freezing = Progressive(until=until)
    with pytest.raises(ValueError, match=said):
        freezing.ends(3, CLOCK) if len(until) > 3 else freezing.check(CLOCK)


@pytest.mark.parametrize(
    ("until", "said"),
    [((), "at least 1"), (("0",), "learns for 0"), (("10%", "0epochs"), "transfer.freeze"), (("3",), "200steps")],
)
def test_refuses_spans_that_are_none(until: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Progressive(until=until)
