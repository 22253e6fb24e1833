"""Cosine annealing against torch's own, its limits, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.cosine import Cosine


@settings(deadline=None, max_examples=25)
@given(total=st.integers(1, 60), final=st.floats(0, 1))
def test_equals_torch(total: int, final: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total, eta_min=final)
    ours = Cosine(warmup=0, final_factor=final)
    for step in range(total + 1):
        assert ours.warmed_factor(step, Clock((0, total))) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


@settings(deadline=None, max_examples=25)
@given(total=st.integers(1, 60), warmup=st.integers(0, 80), final=st.floats(0, 1))
def test_stays_within_bounds_and_never_rises_again(total: int, warmup: int, final: float) -> None:
    ours, clock = Cosine(warmup=f"{warmup}steps", final_factor=final), Clock((0, total))
    rest = [ours.warmed_factor(step, clock) for step in range(min(warmup, total), total + 20)]
    assert all(final - 1e-12 <= factor <= 1.0 for factor in rest)
    assert rest == sorted(rest, reverse=True)
    assert rest[-1] == final


def test_what_follows_the_warm_up_is_a_whole_cosine() -> None:
    warm, cold = Cosine(warmup="1epochs", final_factor=0.0), Cosine(warmup=0, final_factor=0.0)
    for step in range(21):
        assert warm.warmed_factor(10 + step, Clock((0, 10, 30))) == cold.warmed_factor(step, Clock((0, 20)))


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("final_factor", -1e-9, "greater than or equal to 0"),
        ("final_factor", 1.0000001, "less than or equal to 1"),
        ("warmup", "5", "length with its unit"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Cosine(**{"warmup": 0, "final_factor": 0.0, knob: value})
