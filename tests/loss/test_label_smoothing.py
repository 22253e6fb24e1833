"""Label smoothing against PyTorch's own and against targets smoothed by hand."""

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional as F

from temper.facts import Facts
from temper.loss.label_smoothing import LabelSmoothing
from temper.quantity import Clock
from temper.strategy import LossFunction

K = 5
FACTS = Facts(kind="multiclass", shape=(1,), outputs=K, classes=K, examples=9, class_counts=(), clock=Clock((0, 9)))
epsilons = st.floats(0, 0.99)


def loss(smoothing: float, convention: Literal["others", "uniform"]) -> LossFunction:
    return LabelSmoothing(smoothing=smoothing, convention=convention).build(FACTS)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, K, generator=generator, dtype=torch.float64), torch.randint(K, (7,), generator=generator)


@settings(deadline=None, max_examples=25)
@given(epsilon=epsilons)
def test_uniform_is_pytorchs(epsilon: float) -> None:
    prediction, target = batch()
    theirs = F.cross_entropy(prediction, target, label_smoothing=epsilon, reduction="none")
    torch.testing.assert_close(loss(epsilon, "uniform")(prediction, target, 0.0), theirs)


@settings(deadline=None, max_examples=25)
@given(epsilon=epsilons)
def test_others_gives_the_true_class_all_but_epsilon(epsilon: float) -> None:
    prediction, target = batch()
    smoothed = torch.full((7, K), epsilon / (K - 1), dtype=torch.float64)
    smoothed[torch.arange(7), target] = 1 - epsilon
    by_hand = -(smoothed * prediction.log_softmax(1)).sum(1)
    torch.testing.assert_close(loss(epsilon, "others")(prediction, target, 0.0), by_hand)


@pytest.mark.parametrize("convention", ["others", "uniform"])
def test_a_soft_target_goes_through_the_same_map(convention: Literal["others", "uniform"]) -> None:
    prediction, target = batch()
    smooth = loss(0.3, convention)
    onehot = F.one_hot(target, K).double()
    torch.testing.assert_close(smooth(prediction, onehot, 0.0), smooth(prediction, target, 0.0))
    mixed = smooth(prediction, 0.25 * onehot + 0.75 * onehot.roll(1, 1), 0.0)
    ends = smooth(prediction, onehot, 0.0), smooth(prediction, onehot.roll(1, 1), 0.0)
    torch.testing.assert_close(mixed, 0.25 * ends[0] + 0.75 * ends[1])


def test_large_logits_and_bfloat16() -> None:
    value = loss(0.1, "others")(torch.full((1, K), 1e4, dtype=torch.bfloat16), torch.tensor([0]), 0.0)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(1.6094379)


@pytest.mark.parametrize("bad", [{"smoothing": 1.0}, {"smoothing": -0.01}, {"convention": "keras"}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        LabelSmoothing(**{"smoothing": 0.1, "convention": "uniform", **bad})


def test_refuses_a_regression() -> None:
    with pytest.raises(ValueError, match=r"^label_smoothing is for 2 classes or more.*mse or half_mse"):
        LabelSmoothing(smoothing=0.1, convention="others").kind(0)
