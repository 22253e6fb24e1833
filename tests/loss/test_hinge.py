"""The hinge against its definitions in plain floats and PyTorch's multi-margin loss."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.facts import Facts, Kind
from temper.loss.hinge import Hinge
from temper.quantity import Clock


def facts(kind: Kind, classes: int) -> Facts:
    return Facts(
        kind=kind, shape=(1,), outputs=1, classes=classes, examples=9, class_counts=(), clock=Clock(epoch_starts=(0, 9))
    )


BINARY = Hinge().build(facts("binary", 2))
SEVERAL = Hinge().build(facts("multiclass", 4))
logits4 = st.lists(st.floats(-3, 3) | st.sampled_from([0.0, 1.0]), min_size=4, max_size=4)


def crammer_singer(f: list[float], y: int) -> float:
    return max(0.0, 1 + max(v for j, v in enumerate(f) if j != y) - f[y])


def test_binary_by_hand() -> None:
    prediction = torch.tensor([2.0, 0.25, -3.0, 2.0, 0.25, -3.0, 1e4])
    target = torch.tensor([1, 1, 1, 0, 0, 0, 0])
    assert BINARY(prediction, target, 0.0).tolist() == [0.0, 0.75, 4.0, 3.0, 1.25, 0.0, 10001.0]
    assert BINARY(torch.tensor([0.5]), torch.tensor([0.25]), 0.0).item() == 0.25 * 0.5 + 0.75 * 1.5


@settings(deadline=None, max_examples=50)
@given(f=logits4, y=st.integers(0, 3))
def test_several_classes_by_the_paper(f: list[float], y: int) -> None:
    prediction = torch.tensor([f], dtype=torch.float64)
    assert SEVERAL(prediction, torch.tensor([y]), 0.0).item() == pytest.approx(crammer_singer(f, y))


@settings(deadline=None, max_examples=25)
@given(f=logits4, share=st.floats(0, 1))
def test_a_soft_target_is_an_expectation(f: list[float], share: float) -> None:
    target = torch.tensor([[share, 0.0, 1 - share, 0.0]], dtype=torch.float64)
    expected = share * crammer_singer(f, 0) + (1 - share) * crammer_singer(f, 2)
    assert SEVERAL(torch.tensor([f], dtype=torch.float64), target, 0.0).item() == pytest.approx(expected, abs=1e-9)


def test_the_gradient_pulls_the_true_logit_against_its_strongest_rival() -> None:
    prediction = torch.tensor([[0.0, 0.5, 0.2, -1.0], [9.0, 0.0, 0.0, 0.0]], requires_grad=True)
    SEVERAL(prediction, torch.tensor([0, 0]), 0.0).sum().backward()
    assert prediction.grad is not None
    assert prediction.grad.tolist() == [[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


def test_bfloat16_is_computed_in_float32() -> None:
    assert BINARY(torch.ones(2, dtype=torch.bfloat16), torch.tensor([0, 1]), 0.0).dtype == torch.float32
    assert SEVERAL(torch.ones(2, 4, dtype=torch.bfloat16), torch.tensor([0, 1]), 0.0).dtype == torch.float32


def test_refuses_a_regression() -> None:
    assert (Hinge().kind(2), Hinge().kind(3)) == ("binary", "multiclass")
    for classes in (0, 1):
        with pytest.raises(ValueError, match=r"^hinge is for 2 classes or more.*choose loss=mse or half_mse"):
            Hinge().kind(classes)
