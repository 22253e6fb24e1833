"""Clipping against torch's own and against plain floats."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.clip import Clip, clip_adaptively


def layer(scale: float) -> nn.Linear:
    torch.manual_seed(0)
    made = nn.Linear(3, 2)
    (made(torch.randn(4, 3)) * scale).pow(2).sum().backward()
    return made


@pytest.mark.parametrize("kind", ["norm", "value"])
def test_equals_torch(kind: str) -> None:
    ours, theirs = layer(5), layer(5)
    Clip(kind=kind, value=0.3).apply(list(ours.parameters()))  # type: ignore[arg-type]
    if kind == "norm":
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.3)
    else:
        nn.utils.clip_grad_value_(theirs.parameters(), 0.3)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]


def test_adaptive_by_the_paper() -> None:
    made = layer(5)
    expected = {}
    for name, weight in made.named_parameters():
        rows = [[value] for value in weight.tolist()] if weight.ndim == 1 else weight.tolist()
        grads = [[value] for value in weight.grad.tolist()] if weight.ndim == 1 else weight.grad.tolist()  # type: ignore[union-attr]
        clipped = []
        for row, grad in zip(rows, grads, strict=True):
            size, steep = max(math.hypot(*row), 1e-3), math.hypot(*grad)
            factor = 0.1 * size / steep if steep / size > 0.1 else 1.0
            clipped.append([value * factor for value in grad])
        expected[name] = clipped
    clip_adaptively(list(made.parameters()), 0.1)
    for name, weight in made.named_parameters():
        assert weight.grad is not None
        got = [[value] for value in weight.grad.tolist()] if weight.ndim == 1 else weight.grad.tolist()
        torch.testing.assert_close(torch.tensor(got), torch.tensor(expected[name]), rtol=1e-5, atol=1e-8)


@settings(deadline=None, max_examples=25)
@given(bound=st.floats(1e-3, 1e3))
def test_no_kind_makes_a_gradient_longer(bound: float) -> None:
    for kind in ("none", "norm", "value", "adaptive"):
        made, before = layer(1), layer(1)
        Clip(kind=kind, value=bound).apply(list(made.parameters()))  # type: ignore[arg-type]
        for one, other in zip(made.parameters(), before.parameters(), strict=True):
            assert one.grad is not None
            assert other.grad is not None
            assert one.grad.norm() <= other.grad.norm() * (1 + 1e-6)


def test_refuses() -> None:
    with pytest.raises(ValidationError, match="value"):
        Clip(kind="norm", value=0.0)
    with pytest.raises(ValidationError, match="kind"):
        Clip(kind="length", value=1.0)  # type: ignore[arg-type]
