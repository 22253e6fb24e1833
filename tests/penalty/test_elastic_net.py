"""The elastic net against a sum by hand, scikit-learn's solution, its two limits, and bad values."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import linear_model
from torch import nn

from temper.facts import Facts
from temper.penalty.elastic_net import ElasticNet
from temper.quantity import Clock

FACTS = Facts(kind="regression", shape=(3,), outputs=1, classes=0, examples=8, class_counts=(), clock=Clock((0, 4)))


@settings(deadline=None, max_examples=25)
@given(
    values=st.lists(st.floats(-9, 9), min_size=4, max_size=4),
    alpha=st.floats(0, 3),
    ratio=st.floats(0, 1),
    everything=st.booleans(),
)
def test_is_the_sum_by_hand(values: list[float], alpha: float, ratio: float, everything: bool) -> None:
    weight = torch.tensor([values[:2], values[2:]], dtype=torch.float64)
    bias = torch.tensor(values, dtype=torch.float64)
    penalty = ElasticNet(alpha=alpha, l1_ratio=ratio, over="all" if everything else "weights").build(FACTS)
    lasso, ridge = sum(abs(value) for value in values), sum(value * value for value in values)
    expected = alpha * (ratio * lasso + (1 - ratio) / 2 * ridge) * (2 if everything else 1)
    assert penalty({"weight": weight, "bias": bias}).item() == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_its_gradient_vanishes_where_scikit_learn_ends() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(50, 3))
    y = x @ [2.0, -1.0, 0.5] + 0.1 * generator.normal(size=50)
    theirs = linear_model.ElasticNet(alpha=0.3, l1_ratio=0.4, fit_intercept=False, tol=1e-12, max_iter=100_000)
    weight = nn.Parameter(torch.from_numpy(theirs.fit(x, y).coef_).unsqueeze(0))
    assert bool((weight != 0).all())  # where one is 0 the penalty has a corner
    residual = torch.from_numpy(x) @ weight.squeeze(0) - torch.from_numpy(y)
    penalty = ElasticNet(alpha=0.3, l1_ratio=0.4, over="weights").build(FACTS)({"weight": weight})
    (residual.square().mean() / 2 + penalty).backward()
    torch.testing.assert_close(weight.grad, torch.zeros_like(weight), rtol=0, atol=1e-9)


def test_its_gradient_is_zero_at_zero() -> None:
    weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))
    half = nn.Parameter(torch.tensor([[0.0, -2.0]], dtype=torch.float64))
    ElasticNet(alpha=0.5, l1_ratio=0.5, over="all").build(FACTS)({"weight": weight, "half": half}).backward()
    assert torch.equal(weight.grad, torch.zeros(2, 2, dtype=torch.float64))
    assert half.grad.tolist() == [[0.0, -0.25 - 0.5]]


def test_nothing_chosen_costs_nothing() -> None:
    assert ElasticNet(alpha=1.0, l1_ratio=0.5, over="weights").build(FACTS)({"bias": torch.ones(3)}) == 0


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("alpha", -1e-9, "greater than or equal to 0"),
        ("l1_ratio", 1.01, "less than or equal to 1"),
        ("l1_ratio", -0.01, "greater than or equal to 0"),
        ("over", "biases", "'weights' or 'all'"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        ElasticNet(**{"alpha": 0.1, "l1_ratio": 0.5, "over": "weights", knob: value})
