"""Cross-entropy against its definition in plain floats, hard and soft."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.facts import Facts
from temper.loss.cross_entropy import CrossEntropy
from temper.quantity import Clock

FACTS = Facts(
    kind="multiclass", shape=(1,), outputs=3, classes=3, examples=9, class_counts=(3, 3, 3), clock=Clock((0, 9))
)
LOSS = CrossEntropy(class_weights=None).build(FACTS)
logits3 = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


def by_definition(f: list[float], t: list[float]) -> float:
    total = math.log(sum(math.exp(v) for v in f))
    return sum(w * (total - v) for v, w in zip(f, t, strict=True))


@settings(deadline=None, max_examples=25)
@given(f=logits3, y=st.integers(0, 2), a=st.floats(0, 1), b=st.floats(0, 1))
def test_agrees_with_its_definition(f: list[float], y: int, a: float, b: float) -> None:
    prediction = torch.tensor([f], dtype=torch.float64)
    onehot = [float(j == y) for j in range(3)]
    soft = [a * b, a * (1 - b), 1 - a]
    assert LOSS(prediction, torch.tensor([y]), 0.0).tolist() == pytest.approx([by_definition(f, onehot)], abs=1e-9)
    assert LOSS(prediction, torch.tensor([soft]), 0.0).tolist() == pytest.approx([by_definition(f, soft)], abs=1e-5)


def test_large_logits_and_bfloat16() -> None:
    prediction = torch.tensor([[1e4, 0.0, -1e4], [0.0, 1e4, 0.0]], dtype=torch.bfloat16)
    loss = LOSS(prediction, torch.tensor([0, 0]), 0.0)
    assert loss.dtype == torch.float32
    assert loss.tolist() == [0.0, prediction[1, 1].item()]
    assert LOSS(prediction, torch.tensor([[0.5, 0.5, 0.0]] * 2), 0.0).isfinite().all()


UNEQUAL = Facts(
    kind="multiclass", shape=(1,), outputs=3, classes=3, examples=10, class_counts=(1, 2, 7), clock=Clock((0, 9))
)


@settings(deadline=None, max_examples=25)
@given(f=logits3, y=st.integers(0, 2), a=st.floats(0, 1))
def test_classes_weigh_what_is_asked(f: list[float], y: int, a: float) -> None:
    loss = CrossEntropy(class_weights=(4.0, 3.0, 0.0)).build(UNEQUAL)  # 1 of 4 and 2 of 3 are 10, of 10 examples
    prediction = torch.tensor([f], dtype=torch.float64)
    weight = (4.0, 3.0, 0.0)
    onehot = [weight[j] * (j == y) for j in range(3)]
    mixed = [4.0 * a, 3.0 * (1 - a), 0.0]
    assert loss(prediction, torch.tensor([y]), 0.0).tolist() == pytest.approx([by_definition(f, onehot)], abs=1e-9)
    soft = torch.tensor([[a, 1 - a, 0.0]], dtype=torch.float64)
    assert loss(prediction, soft, 0.0).tolist() == pytest.approx([by_definition(f, mixed)], abs=1e-9)


def test_refuses_a_regression() -> None:
    assert CrossEntropy(class_weights=None).kind(2) == CrossEntropy(class_weights=None).kind(100) == "multiclass"
    for classes in (0, 1):
        with pytest.raises(ValueError, match=r"^cross_entropy is for 2 classes or more.*choose loss=mse or half_mse"):
            CrossEntropy(class_weights=None).kind(classes)
