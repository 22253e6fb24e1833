"""The focal loss against its definition in plain floats, torchvision's sigmoid form and cross-entropy."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from temper.facts import Facts
from temper.loss.class_weights import ClassWeights
from temper.loss.focal import Focal
from temper.quantity import Clock
from temper.strategy import LossFunction

SEVERAL = Facts(
    kind="multiclass", shape=(1,), outputs=3, classes=3, examples=10, class_counts=(1, 2, 7), clock=Clock((0, 9))
)
BINARY = replace(SEVERAL, kind="binary", outputs=1, classes=2, class_counts=(5, 5))
logits3 = st.lists(st.floats(-10, 10), min_size=3, max_size=3)
gammas = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])


def loss(gamma: float, facts: Facts, weights: ClassWeights = None) -> LossFunction:
    return Focal(gamma=gamma, class_weights=weights).build(facts)


def by_definition(f: list[float], y: int, gamma: float) -> float:
    p = math.exp(f[y]) / sum(math.exp(v) for v in f)
    return -((1 - p) ** gamma) * math.log(p)


@settings(deadline=None, max_examples=25)
@given(f=logits3, y=st.integers(0, 2), gamma=gammas, share=st.floats(0, 1))
def test_several_classes_by_the_paper(f: list[float], y: int, gamma: float, share: float) -> None:
    prediction = torch.tensor([f], dtype=torch.float64)
    found = loss(gamma, SEVERAL)(prediction, torch.tensor([y]), 0.0)
    assert found.item() == pytest.approx(by_definition(f, y, gamma), abs=1e-7)
    weighed = loss(gamma, SEVERAL, (4.0, 3.0, 0.0))  # 10 over the 10 examples
    soft = torch.tensor([[share, 1 - share, 0.0]], dtype=torch.float64)
    expected = 4 * share * by_definition(f, 0, gamma) + 3 * (1 - share) * by_definition(f, 1, gamma)
    assert weighed(prediction, soft, 0.0).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_one_logit_is_torchvisions(gamma: float) -> None:
    prediction = torch.linspace(-8, 8, 9, dtype=torch.float64)
    for target in (torch.zeros(9, dtype=torch.float64), torch.ones(9, dtype=torch.float64)):
        theirs = sigmoid_focal_loss(prediction, target, alpha=-1, gamma=gamma)
        torch.testing.assert_close(loss(gamma, BINARY)(prediction, target, 0.0), theirs)
        # Five examples of each class: weights of 0.75 and 0.25 average ½, and shall average 1.
        theirs = 2 * sigmoid_focal_loss(prediction, target, alpha=0.25, gamma=gamma)
        torch.testing.assert_close(loss(gamma, BINARY, (0.75, 0.25))(prediction, target, 0.0), theirs)


def test_a_soft_target_of_one_logit_is_an_expectation() -> None:
    prediction = torch.linspace(-8, 8, 9, dtype=torch.float64)
    focal = loss(2.0, BINARY, (0.5, 1.5))
    zero, one = (focal(prediction, torch.full((9,), y, dtype=torch.float64), 0.0) for y in (0.0, 1.0))
    mixed = focal(prediction, torch.full((9,), 0.3, dtype=torch.float64), 0.0)
    torch.testing.assert_close(mixed, 0.7 * zero + 0.3 * one)


def test_without_focus_it_is_cross_entropy() -> None:
    prediction = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    target = torch.arange(7) % 3
    torch.testing.assert_close(
        loss(0.0, SEVERAL)(prediction, target, 0.0), F.cross_entropy(prediction, target, reduction="none")
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_value_and_gradient_stay_finite(gamma: float) -> None:
    prediction = torch.tensor([[1e4, 0.0, -1e4], [0.0, 1e4, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    value = loss(gamma, SEVERAL)(prediction, torch.tensor([0, 0]), 0.0)
    value.sum().backward()
    assert value.dtype == torch.float32
    assert value.tolist() == [0.0, prediction[1, 1].item()]
    assert prediction.grad is not None
    assert prediction.grad.tolist() == [[0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]]
    single = torch.tensor([1e4, -1e4], dtype=torch.bfloat16, requires_grad=True)
    value = loss(gamma, BINARY)(single, torch.tensor([1.0, 1.0]), 0.0)
    value.sum().backward()
    assert value.tolist() == [0.0, prediction[1, 1].item()]
    assert single.grad is not None
    assert single.grad.tolist() == [0.0, -1.0]


@pytest.mark.parametrize("bad", [{"gamma": -0.01}, {"class_weights": (1.0, -1.0)}, {"class_weights": "often"}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Focal(**{"gamma": 2.0, "class_weights": None, **bad})


def test_refuses_a_regression() -> None:
    focal = Focal(gamma=2.0, class_weights=None)
    assert (focal.kind(2), focal.kind(3)) == ("binary", "multiclass")
    for classes in (0, 1):
        with pytest.raises(ValueError, match=r"^focal is for 2 classes or more.*choose loss=mse or half_mse"):
            focal.kind(classes)
