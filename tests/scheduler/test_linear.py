"""Linear change against torch's own, its limits, and bad values."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.linear import Linear

GOOD = {"warmup": 0, "length": "100%", "start_factor": 1.0, "final_factor": 0.0}


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 60), start=st.floats(0.01, 1), final=st.floats(0, 1))
def test_equals_torch(torch_rates, length: int, start: float, final: float) -> None:
    assume(start != final)
    theirs = torch_rates(
        torch.optim.lr_scheduler.LinearLR, 70, start_factor=start, end_factor=final, total_iters=length
    )
    whole = Linear(**{**GOOD, "start_factor": start, "final_factor": final})
    cut = Linear(**{**GOOD, "start_factor": start, "final_factor": final, "length": f"{length}steps"})
    for step in range(70):
        assert whole.warmed_factor(step, Clock((0, length))) == pytest.approx(theirs[step], abs=1e-9)
        assert cut.warmed_factor(step, Clock((0, 99))) == whole.warmed_factor(step, Clock((0, length)))


@settings(deadline=None, max_examples=25)
@given(total=st.integers(1, 60), start=st.floats(0.01, 1), final=st.floats(0, 1))
def test_goes_one_way_and_stays(total: int, start: float, final: float) -> None:
    assume(start != final)
    ours, clock = Linear(**{**GOOD, "start_factor": start, "final_factor": final}), Clock((0, total))
    factors = [ours.factor(step, clock) for step in range(total + 9)]
    assert factors == sorted(factors, reverse=start > final)
    assert (factors[0], factors[-1]) == (start, pytest.approx(final, abs=1e-15))


def test_length_in_epochs_that_shrink() -> None:
    ours, clock = Linear(**{**GOOD, "length": "2epochs"}), Clock((0, 6, 8, 9))
    assert [ours.factor(step, clock) for step in (0, 2, 6, 8, 9)] == pytest.approx([1, 0.75, 0.25, 0, 0])


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"length": "0%"}, "length must be longer than 0.*scheduler=constant"),
        ({"start_factor": 0.0}, "greater than 0"),
        ({"start_factor": 1.0000001}, "less than or equal to 1"),
        ({"final_factor": -1e-9}, "greater than or equal to 0"),
        ({"final_factor": 1.0}, "final_factor must differ from start_factor=1; scheduler=constant"),
        ({"start_factor": 0.5, "warmup": "1steps"}, "warmup must be 0 where start_factor=0.5.*start_factor=1"),
    ],
)
def test_refuses(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Linear(**{**GOOD, **knobs})
