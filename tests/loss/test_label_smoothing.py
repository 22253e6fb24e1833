"""Label smoothing against PyTorch's own and against targets smoothed by hand."""

from dataclasses import replace
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
    return LabelSmoothing(smoothing=smoothing, convention=convention, final=None, class_weights=None).build(FACTS)


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


@settings(deadline=None, max_examples=25)
@given(progress=st.floats(0, 1), convention=st.sampled_from(["others", "uniform"]))
def test_smoothing_changes_on_a_straight_line(progress: float, convention: Literal["others", "uniform"]) -> None:
    prediction, target = batch()
    changing = LabelSmoothing(smoothing=0.1, convention=convention, final=0.6, class_weights=None).build(FACTS)
    theirs = loss(0.1 + 0.5 * progress, convention)(prediction, target, 0.0)
    torch.testing.assert_close(changing(prediction, target, progress), theirs)


@pytest.mark.parametrize("convention", ["others", "uniform"])
def test_an_example_weighs_what_its_class_does(convention: Literal["others", "uniform"]) -> None:
    facts = replace(FACTS, class_counts=(1, 1, 2, 2, 2), examples=8)
    weights = torch.tensor([3.0, 1.0, 0.0, 0.5, 1.5], dtype=torch.float64)  # 8 over the 8 examples
    weighed = LabelSmoothing(
        smoothing=0.3, convention=convention, final=None, class_weights=tuple(weights.tolist())
    ).build(facts)
    prediction, target = batch()
    plain = loss(0.3, convention)
    torch.testing.assert_close(weighed(prediction, target, 0.0), weights[target] * plain(prediction, target, 0.0))
    onehot = F.one_hot(target, K).double()
    mixed = weighed(prediction, 0.25 * onehot + 0.75 * onehot.roll(1, 1), 0.0)
    other = (target + 1) % K
    ends = (weights[each] * plain(prediction, each, 0.0) for each in (target, other))
    torch.testing.assert_close(mixed, sum(share * end for share, end in zip((0.25, 0.75), ends, strict=True)))


@pytest.mark.parametrize("bad", [{"smoothing": 1.0}, {"smoothing": -0.01}, {"convention": "keras"}, {"final": 1.0}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        LabelSmoothing(**{"smoothing": 0.1, "convention": "uniform", "final": None, "class_weights": None, **bad})


def test_refuses_a_regression() -> None:
    with pytest.raises(ValueError, match=r"^label_smoothing is for 2 classes or more.*mse or half_mse"):
        LabelSmoothing(smoothing=0.1, convention="others", final=None, class_weights=None).kind(0)
