"""One cycle against torch's own, its edges, and bad values."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.one_cycle import OneCycle

GOOD = {"warmup": 0, "pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4, "anneal_strategy": "cos"}


@settings(deadline=None, max_examples=40)
@given(
    total=st.integers(1, 60),
    pct_start=st.floats(0, 1),
    div_factor=st.floats(1, 50),
    final_div_factor=st.floats(1, 1e5),
    anneal_strategy=st.sampled_from(["cos", "linear"]),
)
def test_equals_torch(
    total: int, pct_start: float, div_factor: float, final_div_factor: float, anneal_strategy: str
) -> None:
    assume(pct_start * total != 1 and (total > 1 or pct_start < 1))  # torch divides by zero there
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    shape = {
        "pct_start": pct_start,
        "div_factor": div_factor,
        "final_div_factor": final_div_factor,
        "anneal_strategy": anneal_strategy,
    }
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=total, cycle_momentum=False, **shape)
    ours = OneCycle(warmup=0, **shape)
    for step in range(total):
        assert ours.warmed_factor(step, Clock((0, total))) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        if step + 1 < total:
            theirs.step()
    assert ours.factor(total + 9, Clock((0, total))) == ours.factor(total - 1, Clock((0, total)))


@settings(deadline=None, max_examples=25)
@given(total=st.integers(1, 60), pct_start=st.floats(0, 1))
def test_rises_to_the_peak_and_falls(total: int, pct_start: float) -> None:
    ours = OneCycle(**{**GOOD, "pct_start": pct_start})
    factors = [ours.factor(step, Clock((0, total))) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_a_rise_of_no_length_starts_at_the_peak() -> None:
    assert OneCycle(**{**GOOD, "pct_start": 0.1}).factor(0, Clock((0, 10))) == 1.0
    assert OneCycle(**{**GOOD, "pct_start": 1.0}).factor(0, Clock((0, 1))) == 1.0


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("warmup", "1steps", "warmup must be 0.*pct_start"),
        ("pct_start", -1e-9, "greater than or equal to 0"),
        ("pct_start", 1.0000001, "less than or equal to 1"),
        ("div_factor", 0.999, "greater than or equal to 1"),
        ("final_div_factor", 0.999, "greater than or equal to 1"),
        ("final_div_factor", float("inf"), "finite"),
        ("anneal_strategy", "cosine", "'cos' or 'linear'"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}|{message}"):
        OneCycle(**{**GOOD, knob: value})
