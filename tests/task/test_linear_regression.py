"""The linear regression task: its network, its ruler, and what it asks of data."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from temper.command.job import Job
from temper.facts import Facts
from temper.quantity import Clock
from temper.refusal import Refusal
from temper.task.linear_regression import LinearRegression, LinearRegressionModule

FACTS = Facts(kind="regression", shape=(10,), outputs=1, classes=0, examples=8, class_counts=(), clock=Clock((0, 1)))


def test_its_network_is_a_line() -> None:
    network = LinearRegression().network(FACTS)
    inputs = torch.randn(4, 10)
    weight, bias = network.parameters()
    torch.testing.assert_close(network(inputs), inputs @ weight[0] + bias[0])


def test_judges_by_errors() -> None:
    module = LinearRegressionModule.__new__(LinearRegressionModule)
    judged = module.judge(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert judged == pytest.approx({"loss": 4 / 3, "rmse": (4 / 3) ** 0.5, "mae": 2 / 3, "r2": -1.0})


def test_fits_tables_of_values() -> None:
    assert LinearRegression.kinds == ("regression",)
    assert not LinearRegression.images


def test_refuses_a_knob_it_does_not_have() -> None:
    make: Callable[..., LinearRegression] = LinearRegression
    with pytest.raises(ValidationError, match="hidden"):
        make(hidden=[1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task=linear_regression",), "are taken for 16 classes: set data.kind=regression, or choose task=mlp"),
        (("task=mlp", "loss=mse"), "choose loss=cross_entropy, label_smoothing or hinge; or set data.kind=regression"),
        (("task=mlp", "loss=huber"), "or set data.kind=regression, if these numbers are values"),
    ],
)
def test_whole_numbers_may_be_values(
    words: tuple[str, ...],
    said: str,
    job_of: Callable[..., Job],
    tmp_path: Path,
) -> None:
    (tmp_path / "ages.csv").write_text("\n".join(["x,age", *(f"{row}.5,{row % 16}" for row in range(64))]))
    words = (*words, "data=table", f"data.path={tmp_path / 'ages.csv'}", "data.target=age")
    with pytest.raises(Refusal, match=re.escape(said)):
        job_of(*words)
    assert job_of(*words, "data.kind=regression").experiment.kind == "regression"
