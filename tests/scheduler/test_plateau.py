"""Reduce on plateau against torch's own over any validations, over an interruption, in a run, and bad values."""

import csv
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.command.job import Job
from temper.quantity import Clock
from temper.run import run
from temper.scheduler.plateau import Plateau

GOOD: dict[str, Any] = {
    "warmup": 0,
    "gamma": 0.1,
    "patience": 5,
    "threshold": 1e-4,
    "threshold_mode": "rel",
    "cooldown": 0,
    "min_factor": 0.0,
}
values_of = st.lists(
    st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.305, 0.31, 0.4, 0.5, math.nan, math.inf, -math.inf, -0.2]), max_size=40
)
knobs_of = st.fixed_dictionaries(
    {
        "gamma": st.floats(0.1, 0.9),
        "patience": st.integers(0, 3),
        "threshold": st.sampled_from([0.0, 1e-4, 0.1, 0.5]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "cooldown": st.integers(0, 3),
        "min_factor": st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    }
)


@settings(deadline=None, max_examples=100)
@given(values=values_of, knobs=knobs_of, better=st.sampled_from(["max", "min"]))
def test_equals_torch(values: list[float], knobs: dict[str, Any], better: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        better,
        factor=knobs["gamma"],
        patience=knobs["patience"],
        threshold=knobs["threshold"],
        threshold_mode=knobs["threshold_mode"],
        cooldown=knobs["cooldown"],
        min_lr=knobs["min_factor"],
        eps=0.0,
    )
    ours = Plateau(warmup=0, **knobs).reaction(better)
    for value in values:
        theirs.step(value)
        ours.see(value)
        assert ours.factor == optimizer.param_groups[0]["lr"]


@settings(deadline=None, max_examples=40)
@given(values=values_of, knobs=knobs_of, cut=st.integers(0, 40))
def test_an_interruption_changes_nothing(values: list[float], knobs: dict[str, Any], cut: int) -> None:
    whole, before, after = (Plateau(warmup=0, **knobs).reaction("max") for _ in range(3))
    factors = []
    for value in values:
        whole.see(value)
        factors.append(whole.factor)
    for value in values[:cut]:
        before.see(value)
    file = io.BytesIO()
    torch.save(before.state_dict(), file)
    file.seek(0)
    after.load_state_dict(torch.load(file, weights_only=True))
    for value, factor in zip(values[cut:], factors[cut:], strict=True):
        after.see(value)
        assert after.factor == factor
    assert factors == sorted(factors, reverse=True)
    assert all(knobs["min_factor"] <= factor <= 1 for factor in factors)


def test_the_clock_alone_changes_nothing() -> None:
    assert {Plateau(**GOOD).factor(step, Clock((0, 9))) for step in range(12)} == {1.0}


def test_a_run_goes_on_at_the_lower_rate(job_of: Callable[..., Job]) -> None:
    job = job_of(
        *("epochs=4", "batch_size=540", "trainer=cpu", "trainer.threads=1", "flush_every=1", "optimizer.lr=0.5"),
        *("scheduler=plateau", "scheduler.patience=0", "scheduler.threshold=9", "scheduler.threshold_mode=abs"),
    )
    run(job)
    rows = list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))
    rates = [float(row["learning_rate"]) for row in rows if row["learning_rate"]]
    # The first validation is the best so far; each one after it is none, and two steps come after each.
    assert rates == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.05, 0.05, 0.005, 0.005])


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"gamma": 0.0}, "greater than 0"),
        ({"gamma": 1.0}, "less than 1"),
        ({"patience": -1}, "greater than or equal to 0"),
        ({"patience": 2.5}, "valid integer"),
        ({"threshold": -1e-9}, "greater than or equal to 0"),
        ({"threshold": 1.0}, "threshold=1 must be < 1 with threshold_mode=rel.*threshold_mode=abs"),
        ({"threshold_mode": "ratio"}, "'rel' or 'abs'"),
        ({"cooldown": -1}, "greater than or equal to 0"),
        ({"min_factor": 1.0000001}, "less than or equal to 1"),
    ],
)
def test_refuses(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Plateau(**{**GOOD, **knobs})
