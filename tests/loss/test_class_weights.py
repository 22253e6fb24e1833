"""Class weights against their definition, scikit-learn's, and sums over the training set."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from temper.facts import Facts
from temper.loss.class_weights import ClassWeights, class_weights
from temper.quantity import Clock

counts3 = st.lists(st.integers(1, 500), min_size=3, max_size=3)


def facts(counts: list[int], names: tuple[str, ...] = ()) -> Facts:
    return Facts(
        kind="multiclass",
        shape=(1,),
        outputs=len(counts),
        classes=len(counts),
        examples=sum(counts),
        class_counts=tuple(counts),
        class_names=names,
        clock=Clock((0, 9)),
    )


def values(asked: ClassWeights, counts: list[int]) -> tuple[float, ...]:
    weights = class_weights(asked, facts(counts))
    assert weights is not None
    return weights.values


@settings(deadline=None, max_examples=25)
@given(counts=counts3)
def test_inverse_is_scikit_learns_balanced(counts: list[int]) -> None:
    targets = [label for label, count in enumerate(counts) for _ in range(count)]
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    assert values("inverse", counts) == pytest.approx(theirs.tolist(), rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(counts=counts3, asked=st.sampled_from(["inverse", "inverse_root", (0.5, 1.0, 7.0)]))
def test_training_examples_weigh_one_on_average(counts: list[int], asked: ClassWeights) -> None:
    found = values(asked, counts)
    assert sum(n * w for n, w in zip(counts, found, strict=True)) == pytest.approx(sum(counts), rel=1e-12)


def test_inverse_root_by_hand() -> None:
    # 1/3 and 1/1 at 9 and 1 examples: 4 in all, which shall be 10.
    assert values("inverse_root", [9, 1]) == pytest.approx([10 / 12, 10 / 4], rel=1e-12)


def test_a_class_without_examples_spoils_nothing() -> None:
    assert values("inverse", [4, 0, 4])[::2] == pytest.approx([1.0, 1.0])


def test_none_is_asked_for() -> None:
    assert class_weights(None, facts([])) is None


def test_are_placed_once() -> None:
    weights = class_weights("inverse", facts([1, 3]))
    assert weights is not None
    placed = weights.like(torch.ones(2))
    assert placed.dtype == torch.float32
    assert weights.like(torch.ones(5)) is placed


def test_refuses_another_number_than_there_are_classes() -> None:
    with pytest.raises(ValueError, match=r"^loss\.class_weights has 2 values.*3 classes \(cat, dog, owl\).*null"):
        class_weights((1.0, 2.0), facts([1, 2, 3], ("cat", "dog", "owl")))


def test_refuses_to_weigh_nothing() -> None:
    with pytest.raises(ValueError, match=r"^loss\.class_weights leaves no training example.*above 0"):
        class_weights((0.0, 0.0, 5.0), facts([1, 2, 0]))
