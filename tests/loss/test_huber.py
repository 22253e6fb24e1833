"""The Huber loss against its definition in plain floats, and its pull."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.facts import Facts
from temper.loss.huber import Huber
from temper.quantity import Clock

FACTS = Facts(kind="regression", shape=(1,), outputs=1, classes=0, examples=9, class_counts=(), clock=Clock((0, 9)))


@settings(deadline=None, max_examples=50)
@given(h=st.floats(-9, 9), y=st.floats(-9, 9), delta=st.floats(0.1, 20))
def test_agrees_with_its_definition(h: float, y: float, delta: float) -> None:
    r = abs(h - y)
    by_hand = r * r / 2 if r <= delta else delta * (r - delta / 2)
    prediction = torch.tensor([h], dtype=torch.float64, requires_grad=True)
    value = Huber(delta=delta).build(FACTS)(prediction, torch.tensor([y], dtype=torch.float64), 0.0)
    assert value.item() == pytest.approx(by_hand, rel=1e-9, abs=1e-12)
    value.sum().backward()
    assert prediction.grad is not None
    assert prediction.grad.item() == pytest.approx(max(-delta, min(delta, h - y)), abs=1e-9)


def test_bfloat16_is_computed_in_float32() -> None:
    value = Huber(delta=2.0).build(FACTS)(torch.tensor([300.0], dtype=torch.bfloat16), torch.tensor([0.0]), 0.0)
    assert value.dtype == torch.float32
    assert value.item() == 2 * (300 - 1)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("inf")])
def test_refuses(delta: float) -> None:
    with pytest.raises(ValidationError, match="delta"):
        Huber(delta=delta)


@pytest.mark.parametrize("classes", [2, 10])
def test_refuses_classes(classes: int) -> None:
    assert Huber(delta=1.0).kind(0) == "regression"
    with pytest.raises(ValueError, match=rf"^huber is for a regression.*{classes} classes.*cross_entropy"):
        Huber(delta=1.0).kind(classes)
