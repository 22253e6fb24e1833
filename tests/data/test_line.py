"""The line against its own equation and the closed form."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from temper.data.line import Line

GOOD: dict[str, Any] = {
    "examples": 100,
    "slope": 3.0,
    "intercept": 2.0,
    "noise": 1.0,
    "grid": False,
    "seed": 0,
    "validation": 0.2,
    "test": 0.2,
    "drop_last": False,
}


def line(**knobs: Any) -> Line:
    return Line(**{**GOOD, **knobs})


def test_points_lie_on_the_line_plus_uniform_noise() -> None:
    train = line(examples=4000, validation=0.0, test=0.0).splits().train
    x, y = train.inputs[:, 0].double().numpy(), train.targets.double().numpy()
    slope, intercept = np.polyfit(x, y, 1)
    u = y - 3 * x - 2
    assert (slope, intercept) == (pytest.approx(3, abs=0.1), pytest.approx(2.5, abs=0.05))
    assert -1e-6 < u.min() < 0.01
    assert 0.99 < u.max() < 1 + 1e-6
    assert 0 <= x.min() < 0.01 < 0.99 < x.max() < 1
    assert abs(np.corrcoef(x, u)[0, 1]) < 0.08


@pytest.mark.parametrize("count", [3, 4])
def test_the_exact_integer_line(count: int) -> None:
    splits = line(examples=count, slope=2, intercept=0, noise=0, grid=True).splits()
    assert splits.train.inputs.tolist() == [[float(x)] for x in range(1, count + 1)]
    assert splits.train.targets.tolist() == [2.0 * x for x in range(1, count + 1)]
    assert splits.train.inputs.dtype == splits.train.targets.dtype == torch.float32
    assert splits.train is splits.validation is splits.test
    assert splits.note == f"only {count} examples: the training set is also the validation and test set"


def test_parts_are_disjoint_and_fixed() -> None:
    first, second = line().splits(), line().splits()
    assert first.validation is not None
    assert [len(part) for part in (first.train, first.validation, first.test)] == [60, 20, 20]
    seen = [x for part in (first.train, first.validation, first.test) for x in part.inputs[:, 0].tolist()]
    assert len(set(seen)) == 100
    assert torch.equal(first.test.inputs, second.test.inputs)
    assert not torch.equal(first.test.inputs, line(seed=1).splits().test.inputs)
    assert first.note is None


def test_without_validation_and_test() -> None:
    data = line(validation=0.0, test=0.0)
    splits = data.splits()
    assert not data.validates
    assert splits.validation is None
    assert splits.train is splits.test
    assert len(splits.train) == 100
    assert splits.note is not None
    assert "the training set is the test set" in splits.note


def test_reads_one_column(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x\n0.5\n-1e-3\n")
    assert line().read(tmp_path / "x.csv").tolist() == [[0.5], [pytest.approx(-1e-3)]]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"examples": 0}, "examples"),
        ({"noise": -0.1}, "noise"),
        ({"validation": 1.0}, "validation"),
        ({"test": 0.001}, "test=0.001 of 100 examples is none"),
        ({"validation": 0.5, "test": 0.5}, "leave none of 100"),
        ({"seed": -1}, "seed"),
        ({"grid": 1}, "grid"),
    ],
)
def test_refuses(bad: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        line(**bad)
