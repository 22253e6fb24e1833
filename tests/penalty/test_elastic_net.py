"""The elastic net against a sum by hand, scikit-learn's solution, its two limits, and bad values."""

import math

import numpy as np
import torch
from hypothesis import strategies as st
from sklearn import linear_model
from tests.penalty.conftest import FACTS, Oracle
from torch import nn

from temper.penalty.elastic_net import ElasticNet


def cost(value: float, alpha: float, l1_ratio: float) -> float:
    return alpha * (l1_ratio * abs(value) + (1 - l1_ratio) / 2 * value**2)


def slope(value: float, alpha: float, l1_ratio: float) -> float:
    corner = math.copysign(1, value) if value else 0.0
    return alpha * (l1_ratio * corner + (1 - l1_ratio) * value)


ORACLE = Oracle(ElasticNet, cost, slope, {"alpha": 0.5, "l1_ratio": 0.4})

test_is_the_sum_by_hand = ORACLE.is_the_sum_by_hand(alpha=st.floats(0, 3), l1_ratio=st.floats(0, 1))
test_its_gradient_on_a_network = ORACLE.has_its_gradient_on_a_network()
test_its_gradient_is_zero_at_zero = ORACLE.has_its_gradient_at_zero()
test_nothing_chosen_costs_nothing = ORACLE.costs_nothing_where_nothing_is_chosen()
test_refuses = ORACLE.refuses(
    ("l1_ratio", 1.01, "less than or equal to 1"), ("l1_ratio", -0.01, "greater than or equal to 0")
)


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
