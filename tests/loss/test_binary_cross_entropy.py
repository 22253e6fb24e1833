"""Binary cross-entropy against its definition in plain floats."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.facts import Facts
from temper.loss.binary_cross_entropy import BinaryCrossEntropy
from temper.quantity import Clock

FACTS = Facts(kind="binary", shape=(1,), outputs=1, classes=2, examples=9, class_counts=(4, 5), clock=Clock((0, 9)))
LOSS = BinaryCrossEntropy(class_weights=None).build(FACTS)


@settings(deadline=None, max_examples=25)
@given(f=st.floats(-15, 15), y=st.floats(0, 1))
def test_agrees_with_its_definition(f: float, y: float) -> None:
    p = 1 / (1 + math.exp(-f))
    by_hand = -y * math.log(p) - (1 - y) * math.log(1 - p)
    prediction, target = torch.tensor([f], dtype=torch.float64), torch.tensor([y], dtype=torch.float64)
    assert LOSS(prediction, target, 0.0).item() == pytest.approx(by_hand, abs=1e-6)


def test_classes_large_logits_and_bfloat16() -> None:
    loss = LOSS(torch.tensor([1e4, 1e4, -1e4], dtype=torch.bfloat16), torch.tensor([1, 0, 0]), 0.0)
    assert loss.dtype == torch.float32
    assert loss.tolist() == [0.0, torch.tensor(1e4, dtype=torch.bfloat16).item(), 0.0]


@settings(deadline=None, max_examples=25)
@given(f=st.floats(-15, 15), y=st.floats(0, 1))
def test_classes_weigh_what_is_asked(f: float, y: float) -> None:
    # FACTS has 4 and 5 examples: 1 and 3 times the same number are 19 in all, and shall be 9.
    loss = BinaryCrossEntropy(class_weights=(1.0, 3.0)).build(FACTS)
    p = 1 / (1 + math.exp(-f))
    by_hand = -27 / 19 * y * math.log(p) - 9 / 19 * (1 - y) * math.log(1 - p)
    prediction, target = torch.tensor([f], dtype=torch.float64), torch.tensor([y], dtype=torch.float64)
    assert loss(prediction, target, 0.0).item() == pytest.approx(by_hand, abs=1e-6)


def test_weighed_large_logits_and_bfloat16() -> None:
    loss = BinaryCrossEntropy(class_weights="inverse").build(FACTS)
    values = loss(torch.tensor([1e4, 1e4, -1e4], dtype=torch.bfloat16), torch.tensor([1, 0, 0]), 0.0)
    assert values.dtype == torch.float32
    assert values.tolist() == pytest.approx([0.0, 9 / 8 * torch.tensor(1e4, dtype=torch.bfloat16).item(), 0.0])


@pytest.mark.parametrize(("classes", "way_out"), [(0, "mse or half_mse"), (1, "mse"), (3, "cross_entropy")])
def test_refuses_all_but_two_classes(classes: int, way_out: str) -> None:
    assert BinaryCrossEntropy(class_weights=None).kind(2) == "binary"
    with pytest.raises(ValueError, match=rf"^binary_cross_entropy is for 2 classes.*choose loss={way_out}"):
        BinaryCrossEntropy(class_weights=None).kind(classes)
