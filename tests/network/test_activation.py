"""Activations against their formulas in plain floats."""

import math
from typing import get_args

import pytest
import torch

from temper.network.activation import Activation, activation

FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "identity": lambda x: x,
}


def test_every_name_has_a_formula_here() -> None:
    assert set(FORMULAS) == set(get_args(Activation))
    assert len(FORMULAS) == 11


@pytest.mark.parametrize("name", FORMULAS)
def test_agrees_with_its_formula(name: Activation) -> None:
    points = [-3.0, -0.5, 0.0, 0.25, 2.0]
    values = activation(name)(torch.tensor(points, dtype=torch.float64))
    assert values.tolist() == pytest.approx([FORMULAS[name](x) for x in points])
    assert not list(activation(name).parameters())
