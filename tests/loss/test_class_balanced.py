"""Class-balanced weights against the paper's formula in plain floats, and its two limits."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional as F

from temper.facts import Facts
from temper.loss.class_balanced import ClassBalanced
from temper.quantity import Clock

COUNTS = (500, 40, 3)


def facts(counts: tuple[int, ...] = COUNTS) -> Facts:
    return Facts(
        kind="multiclass",
        shape=(1,),
        outputs=3,
        classes=3,
        examples=sum(counts),
        class_counts=counts,
        clock=Clock((0, 9)),
    )


def weights(beta: float, counts: tuple[int, ...] = COUNTS) -> list[float]:
    """What each class weighs: at equal logits every class's cross-entropy is log 3."""
    loss = ClassBalanced(beta=beta).build(facts(counts))
    equal = torch.zeros(3, 3, dtype=torch.float64)
    return [value / math.log(3) for value in loss(equal, torch.arange(3), 0.0).tolist()]


@settings(deadline=None, max_examples=25)
@example(beta=0.9, counts=(1, 2, 300))
@given(beta=st.sampled_from([0.1, 0.9, 0.99, 0.999, 0.9999]), counts=st.tuples(*[st.integers(1, 999)] * 3))
def test_weights_are_the_papers(beta: float, counts: tuple[int, ...]) -> None:
    effective = [sum(beta**i for i in range(n)) for n in counts]  # eq. 2 as the sum that it is proved by
    factor = sum(counts) / sum(n / e for n, e in zip(counts, effective, strict=True))
    assert weights(beta, counts) == pytest.approx([factor / e for e in effective], rel=1e-9)


def test_between_no_weights_and_inverse_frequency() -> None:
    assert weights(0.0) == pytest.approx([1.0, 1.0, 1.0])
    assert weights(1 - 1e-9) == pytest.approx([543 / 3 / n for n in COUNTS], rel=1e-4)


def test_a_class_without_examples_spoils_nothing() -> None:
    assert weights(0.9, (5, 0, 5))[::2] == pytest.approx([1.0, 1.0])


def test_agrees_with_pytorch_hard_and_soft() -> None:
    prediction = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss, weight = ClassBalanced(beta=0.99).build(facts()), torch.tensor(weights(0.99), dtype=torch.float64)
    target = torch.arange(6) % 3
    theirs = weight[target] * F.cross_entropy(prediction, target, reduction="none")
    torch.testing.assert_close(loss(prediction, target, 0.0), theirs)
    onehot = F.one_hot(target, 3).double()
    mixed = loss(prediction, 0.25 * onehot + 0.75 * onehot.roll(1, 0), 0.0)
    ends = loss(prediction, target, 0.0), loss(prediction, target.roll(1), 0.0)
    torch.testing.assert_close(mixed, 0.25 * ends[0] + 0.75 * ends[1])


def test_large_logits_and_bfloat16() -> None:
    value = ClassBalanced(beta=0.9).build(facts())(
        torch.full((1, 3), 1e4, dtype=torch.bfloat16), torch.tensor([0]), 0.0
    )
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(math.log(3) * weights(0.9)[0], rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, -0.01])
def test_refuses(beta: float) -> None:
    with pytest.raises(ValidationError, match="beta"):
        ClassBalanced(beta=beta)


def test_refuses_a_regression() -> None:
    assert ClassBalanced(beta=0.9).kind(2) == "multiclass"
    with pytest.raises(ValueError, match=r"^class_balanced is for 2 classes or more.*mse or half_mse"):
        ClassBalanced(beta=0.9).kind(0)
