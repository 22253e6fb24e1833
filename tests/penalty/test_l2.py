"""The L2 penalty against a sum by hand, its gradient, and bad values."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import Facts
from temper.penalty.l2 import L2
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
    penalty = L2(alpha=alpha, over="all" if everything else "weights", form=None).build(FACTS)
    expected = alpha * sum(value * value for value in values) * (2 if everything else 1)
    assert penalty({"weight": weight, "bias": bias}).item() == pytest.approx(expected, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("over", ["weights", "all"])
def test_its_gradient_on_a_network(over: str) -> None:
    net = network()
    L2(alpha=0.3, over=over, form=None).build(FACTS)(dict(net.named_parameters())).backward()
    for parameter in net.parameters():
        if over == "weights" and parameter.ndim < 2:
            assert parameter.grad is None
        else:
            value = parameter.detach()
            torch.testing.assert_close(parameter.grad, 0.6 * value, rtol=1e-12, atol=0.0)


def test_its_gradient_is_zero_at_zero() -> None:
    weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.float64))
    half = nn.Parameter(torch.tensor([[0.0, -2.0]], dtype=torch.float64))
    penalty = L2(alpha=0.5, over="all", form=None).build(FACTS)({"weight": weight, "half": half})
    penalty.backward()
    assert torch.equal(weight.grad, torch.zeros(2, 2, dtype=torch.float64))
    assert half.grad.tolist() == [[0.0, -2.0]]


@settings(deadline=None, max_examples=25)
@given(values=st.lists(st.floats(-9, 9), min_size=4, max_size=4), alpha=st.floats(0, 3))
def test_the_textbook_form_by_hand(values: list[float], alpha: float) -> None:
    weight = torch.tensor([values[:2], values[2:]], dtype=torch.float64)
    penalty = L2(alpha=alpha, over="weights", form="textbook").build(FACTS)
    expected = alpha / (2 * 8) * sum(value * value for value in values)
    assert penalty({"weight": weight}).item() == pytest.approx(expected, rel=1e-13, abs=1e-300)


Make = partial[torch.optim.Optimizer]


def steps(make: Make, *, penalty: float = 0.0, coupled: float = 0.0, decoupled: float = 0.0) -> torch.Tensor:
    """Three steps at rate 0.1 on a line, its weight decay brought in as a penalty, coupled or decoupled."""
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    optimizer = make([weight], lr=0.1, weight_decay=coupled)
    penalize = L2(alpha=penalty, over="weights", form=None).build(FACTS)
    for _ in range(3):
        optimizer.zero_grad()
        ((weight.sum() - 3).square() + penalize({"weight": weight})).backward()
        with torch.no_grad():
            weight.mul_(1 - 0.1 * decoupled)
        optimizer.step()
    return weight.detach()


SGD: Make = partial(torch.optim.SGD)
MOMENTUM: Make = partial(torch.optim.SGD, momentum=0.9)
ADAM: Make = partial(torch.optim.Adam)


@pytest.mark.parametrize(("make", "one_with_decoupled"), [(SGD, True), (MOMENTUM, False), (ADAM, False)])
def test_beside_coupled_and_decoupled_weight_decay(make: Make, one_with_decoupled: bool) -> None:
    penalized = steps(make, penalty=0.05)
    torch.testing.assert_close(penalized, steps(make, coupled=0.1), rtol=1e-12, atol=0)
    assert torch.allclose(penalized, steps(make, decoupled=0.1), rtol=1e-6) == one_with_decoupled
    assert not torch.allclose(penalized, steps(make), rtol=1e-6)


def test_decoupled_decay_is_adamws() -> None:
    torch.testing.assert_close(
        steps(partial(torch.optim.AdamW), coupled=0.1), steps(ADAM, decoupled=0.1), rtol=1e-12, atol=0
    )


def test_nothing_chosen_costs_nothing() -> None:
    assert L2(alpha=1.0, over="weights", form=None).build(FACTS)({"bias": torch.ones(3)}) == 0


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("alpha", -1e-9, "greater than or equal to 0"),
        ("alpha", float("nan"), "finite"),
        ("alpha", True, "valid number"),
        ("over", "biases", "'weights' or 'all'"),
        ("form", "halved", "'textbook'"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        L2(**{"alpha": 0.1, "over": "weights", "form": None, knob: value})
