"""Static quantization: its bounds, and ranges that are those of the training batches since it began."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.conftest import Train
from tests.quantization.conftest import ROUNDED, state

from temper.command.job import Job
from temper.quantization.static import Static


@pytest.mark.parametrize(("knob", "value"), [("start", -1e-9), ("start", 1.0), ("momentum", 0.0), ("momentum", 1.0)])
def test_refuses(knob: str, value: float) -> None:
    with pytest.raises(ValidationError, match=knob):
        Static(**{"start": 0.9, "momentum": 0.01, knob: value})


def test_ranges_are_of_what_training_saw_since_it_began(train: Train, tmp_path: Path) -> None:
    train(*ROUNDED, "quantization=static", "quantization.momentum=0.5", "preprocessing=[]")
    held = state(tmp_path / "run")
    # 12 steps, of which those from the seventh on are watched; pixels of digits are 0 to 16 as they come.
    assert int(held["network.hidden.linear1.watched"]) == 6
    assert float(held["network.hidden.linear1.least"]) == 0
    assert float(held["network.hidden.linear1.largest"]) == pytest.approx(16)
    assert float(held["network.head.least"]) == 0  # behind a ReLU
    assert float(held["network.head.largest"]) > 0


def test_privacy_is_not_promised_of_ranges(job_of: Callable[..., Job]) -> None:
    for name in ("static", "dynamic", "aware"):
        with pytest.raises(ValueError, match=rf"privacy=dp_sgd.*quantization={name} has its own.*quantization=none"):
            job_of(f"quantization={name}", "privacy=dp_sgd", "sampling=poisson")


def test_what_was_split_in_two_is_not_rounded(job_of: Callable[..., Job]) -> None:
    with pytest.raises(ValueError, match=r"quantization=static rounds.*low_rank=truncated_svd.*quantization=none"):
        job_of("quantization=static", "low_rank=truncated_svd")
