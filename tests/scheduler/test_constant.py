"""The constant schedule, and the warm-up that stands in front of any."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.constant import Constant


@settings(deadline=None, max_examples=25)
@given(warmup=st.integers(1, 12))
def test_warms_up_as_torch_does(warmup: int) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, total_iters=warmup - 1)
    ours = Constant(warmup=f"{warmup}steps")
    for step in range(15):
        assert ours.warmed_factor(step, Clock((0, 10, 20))) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("warmup", ["0", 0, "10%", "2epochs"])
def test_is_one_after_the_warm_up(warmup: str | int) -> None:
    clock = Clock((0, 10, 20, 30))
    ours = Constant(warmup=warmup)
    assert [ours.warmed_factor(step, clock) for step in (20, 29, 30, 99)] == [1.0] * 4
    assert [ours.factor(step, clock) for step in (0, 30)] == [1.0] * 2


def test_a_warm_up_longer_than_the_run_ends_with_it() -> None:
    assert [Constant(warmup="99steps").warmed_factor(step, Clock((0, 4))) for step in range(6)] == [
        0.25, 0.5, 0.75, 1.0, 1.0, 1.0,
    ]  # fmt: skip


@pytest.mark.parametrize("warmup", ["-1steps", "101%", "1.5steps", "5", True, 0.1])
def test_refuses(warmup: object) -> None:
    with pytest.raises(ValidationError, match="warmup"):
        Constant(warmup=warmup)
