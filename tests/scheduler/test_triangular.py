"""Cyclical rates against torch's own in each mode, on clocks whose epochs differ, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.triangular import Triangular

GOOD = {"warmup": 0, "cycle": "25%", "rise": 0.5, "low_factor": 0.1, "mode": "triangular", "gamma": None}


@settings(deadline=None, max_examples=40)
@given(
    up=st.integers(1, 20),
    down=st.integers(1, 20),
    low=st.floats(0, 0.9),
    mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
    gamma=st.floats(0.9, 0.999),
)
def test_equals_torch(torch_rates, up: int, down: int, low: float, mode: str, gamma: float) -> None:
    theirs = torch_rates(
        torch.optim.lr_scheduler.CyclicLR, 120, low, 1.0, up, down, mode=mode, gamma=gamma, cycle_momentum=False
    )
    ours = Triangular(
        warmup=0,
        cycle=f"{up + down}steps",
        rise=up / (up + down),
        low_factor=low,
        mode=mode,
        gamma=gamma ** (up + down) if mode == "exp_range" else None,
    )
    assert [ours.warmed_factor(step, Clock((0, 99))) for step in range(120)] == pytest.approx(theirs, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=8), low=st.floats(0, 0.9))
def test_cycles_in_epochs_begin_where_epochs_do(sizes: list[int], low: float) -> None:
    clock = Clock(tuple(sum(sizes[:end]) for end in range(len(sizes) + 1)))
    ours = Triangular(**{**GOOD, "cycle": "2epochs", "low_factor": low})
    factors = [ours.factor(step, clock) for step in range(clock.total_steps)]
    assert all(low - 1e-12 <= factor <= 1 + 1e-12 for factor in factors)
    for epoch in range(len(sizes)):
        peak = epoch % 2 == 1
        assert factors[clock.start(epoch)] == pytest.approx(1.0 if peak else low, abs=1e-9)
        within = factors[clock.start(epoch) : clock.start(epoch + 1)]
        assert within == sorted(within, reverse=peak)


def test_shares_of_the_run_end_with_it() -> None:
    ours, clock = Triangular(**GOOD), Clock((0, 270))  # cycles of 67.5 steps
    assert ours.factor(269, clock) == pytest.approx(0.1 + 0.9 * 2 / 67.5)
    assert ours.factor(135, clock) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"warmup": "1steps"}, "warmup must be 0.*rise of its own"),
        ({"cycle": "0%"}, "cycle must be longer than 0.*scheduler=constant"),
        ({"rise": 0.0}, "greater than 0"),
        ({"rise": 1.0}, "less than 1"),
        ({"low_factor": 1.0}, "less than 1"),
        ({"low_factor": -1e-9}, "greater than or equal to 0"),
        ({"mode": "exp_range"}, "gamma is what mode=exp_range"),
        ({"gamma": 0.5}, "gamma is for mode=exp_range.*null"),
        ({"mode": "exp_range", "gamma": 1.0}, "less than 1"),
        ({"mode": "exp_range", "gamma": 0.0}, "greater than 0"),
        ({"mode": "saw"}, "'triangular', 'triangular2' or 'exp_range'"),
    ],
)
def test_refuses(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Triangular(**{**GOOD, **knobs})
