"""The mean of the weights at the ends of epochs, against torch's and by hand."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.averaging.conftest import Walker
from torch.optim.swa_utils import AveragedModel

from temper.averaging.swa import SWA
from temper.quantity import Clock

CLOCK = Clock((0, 2, 4, 6, 8))


def swa(start: str | int = 0, every: int = 1) -> SWA:
    return SWA(start=start, every=every)


def test_is_torchs_at_the_ends_of_epochs() -> None:
    walker = Walker(swa().averager(CLOCK))
    theirs = AveragedModel(walker.network)
    for step, value in enumerate((4.0, 1.0, 9.0, 3.0, -1.0, 8.0, 2.0, 5.0), start=1):
        (ours,) = walker.walk([value])
        if step % 2 == 0:
            theirs.update_parameters(walker.network)
        assert ours == (pytest.approx(theirs.module.weight.item(), abs=1e-12) if step > 1 else None)


@pytest.mark.parametrize(
    ("start", "every", "taken"),
    [(0, 1, [2, 4, 6, 8]), ("50%", 1, [4, 6, 8]), ("2epochs", 2, [4, 8]), (0, 3, [2, 8])],
)
def test_takes_in_the_last_epoch_and_those_before_it(start: str | int, every: int, taken: list[int]) -> None:
    seen = Walker(swa(start, every).averager(CLOCK)).walk([float(step) for step in range(1, 9)])
    assert seen[-1] == pytest.approx(sum(taken) / len(taken))
    assert seen[: taken[0] - 1] == [None] * (taken[0] - 1)


@pytest.mark.parametrize(("start", "every"), [("90%", 1), (0, 4), ("7steps", 1)])
def test_refuses_a_mean_of_the_last_epoch_alone(start: str | int, every: int) -> None:
    with pytest.raises(
        ValueError, match=rf"averaging\.start={start} and .*every={every} takes in the last of 4 epochs"
    ):
        swa(start, every).check(CLOCK)
    swa(start, every).check(Clock((0, *range(2, 82, 2))))


@pytest.mark.parametrize(("knob", "value"), [("every", 0), ("start", "-1epochs"), ("start", "101%")])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        SWA(**{"start": 0, "every": 1} | {knob: value})
