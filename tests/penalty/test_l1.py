"""The L1 penalty against a sum by hand, its gradient, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import Facts
from temper.penalty.l1 import L1
from temper.quantity import Clock

FACTS = Facts(
    kind="regression",
    shape=(3,),
    outputs=1,
    classes=0,
    examples=8,
    class_counts=(),
    clock=Clock((0, 4)),
)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)).double()


@settings(deadline=None, max_examples=25)
@given(values=st.lists(st.floats(-9, 9), min_size=4, max_size=4), alpha=st.floats(0, 3), everything=st.booleans())
def test_is_the_sum_by_hand(values: list[float], alpha: float, everything: bool) -> None:
    weight = torch.tensor([values[:2], values[2:]], dtype=torch.float64)
    bias = torch.tensor(values, dtype=torch.float64)
    penalty = L1(alpha=alpha, over="all" if everything else "weights").build(FACTS)
    expected = alpha * sum(abs(value) for value in values) * (2 if everything else 1)
    assert penalty({"weight": weight, "bias": bias}).item() == pytest.approx(expected, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("over", ["weights", "all"])
def test_its_gradient_on_a_network(over: str) -> None:
    net = network()
    L1(alpha=0.3, over=over).build(FACTS)(dict(net.named_parameters())).backward()
    for parameter in net.parameters():
        if over == "weights" and parameter.ndim < 2:
            assert parameter.grad is None
        else:
            value = parameter.detach()
            torch.testing.assert_close(parameter.grad, 0.3 * value.sign(), rtol=1e-12, atol=0.0)


def test_its_gradient_is_zero_at_zero() -> None:
    weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))
    half = nn.Parameter(torch.tensor([[0.0, -2.0]], dtype=torch.float64))
    penalty = L1(alpha=0.5, over="all").build(FACTS)({"weight": weight, "half": half})
    penalty.backward()
    assert torch.equal(weight.grad, torch.zeros(2, 2, dtype=torch.float64))
    assert half.grad.tolist() == [[0.0, -0.5]]


def test_nothing_chosen_costs_nothing() -> None:
    assert L1(alpha=1.0, over="weights").build(FACTS)({"bias": torch.ones(3)}) == 0


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("alpha", -1e-9, "greater than or equal to 0"),
        ("alpha", float("nan"), "finite"),
        ("alpha", True, "valid number"),
        ("over", "biases", "'weights' or 'all'"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        L1(**{"alpha": 0.1, "over": "weights", knob: value})
