"""The threshold against the probability it implies."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from temper.data.tanh_threshold import TanhThreshold


def threshold(**knobs: Any) -> TanhThreshold:
    return TanhThreshold(**{"examples": 1000, "seed": 0, "validation": 0.2, "test": 0.2, "drop_last": False, **knobs})


def test_the_share_of_class_one_is_tanh_2x() -> None:
    train = threshold(examples=20000, validation=0.0, test=0.0).splits().train
    x, y = train.inputs[:, 0], train.targets
    assert (y.dtype, sorted(set(y.tolist()))) == (torch.int64, [0, 1])
    for low in (0.0, 0.3, 0.8):
        inside = (x >= low) & (x < low + 0.1)
        assert y[inside].float().mean().item() == pytest.approx(math.tanh(2 * low + 0.1), abs=0.06)


def test_parts_hold_each_classs_share() -> None:
    data, splits = threshold(), threshold().splits()
    assert (data.classes, splits.class_names) == (2, ("below", "reached"))
    assert splits.validation is not None
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [600, 200, 200]
    shares = [part.targets.float().mean().item() for part in parts]
    assert max(shares) - min(shares) < 0.006


@pytest.mark.parametrize("bad", [{"examples": 0}, {"test": 1.0}, {"validation": 0.7, "test": 0.3}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        threshold(**bad)
