"""Half the squared error against 1/(2m) Σ (h - y)² in plain floats."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.facts import Facts, Kind
from temper.loss.half_mse import HalfMSE
from temper.quantity import Clock


def facts(kind: Kind, classes: int) -> Facts:
    return Facts(
        kind=kind, shape=(1,), outputs=1, classes=classes, examples=9, class_counts=(), clock=Clock(epoch_starts=(0, 9))
    )


@settings(deadline=None, max_examples=25)
@given(pairs=st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=9))
def test_its_mean_is_the_textbook_sum(pairs: list[tuple[float, float]]) -> None:
    h, y = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    textbook = sum((a - b) ** 2 for a, b in pairs) / (2 * len(pairs))
    assert HalfMSE().build(facts("regression", 0))(h, y, 0.0).mean().item() == pytest.approx(textbook)


def test_its_gradient_is_the_residual() -> None:
    h = torch.tensor([3.0, -1.0], requires_grad=True)
    HalfMSE().build(facts("regression", 0))(h, torch.tensor([1.0, 1.0]), 0.0).sum().backward()
    assert h.grad is not None
    assert h.grad.tolist() == [2.0, -2.0]


def test_one_sigmoid_unit_by_hand() -> None:
    loss = HalfMSE().build(facts("binary", 2))(torch.tensor([0.0, 1000.0]), torch.tensor([1, 0]), 0.0)
    assert loss.tolist() == [0.125, 0.5]


def test_refuses_several_classes() -> None:
    assert (HalfMSE().kind(0), HalfMSE().kind(2)) == ("regression", "binary")
    with pytest.raises(ValueError, match=r"^half_mse is for a regression.*has 3 classes.*hinge"):
        HalfMSE().kind(3)
