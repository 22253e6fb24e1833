"""The squared error against PyTorch's own, on values and on one sigmoid unit."""

import pytest
import torch
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.loss.mse import MSE
from temper.quantity import Clock


def facts(kind: Kind, classes: int) -> Facts:
    return Facts(
        kind=kind, shape=(1,), outputs=1, classes=classes, examples=9, class_counts=(), clock=Clock(epoch_starts=(0, 9))
    )


def test_agrees_with_pytorch() -> None:
    prediction, target = torch.randn(2, 9, generator=torch.Generator().manual_seed(0))
    loss = MSE().build(facts("regression", 0))(prediction, target, 0.0)
    assert torch.equal(loss, F.mse_loss(prediction, target, reduction="none"))


def test_one_sigmoid_unit_by_hand() -> None:
    loss = MSE().build(facts("binary", 2))(torch.tensor([0.0, 3.0, -1000.0]), torch.tensor([1, 0, 1]), 0.0)
    assert loss.tolist() == pytest.approx([0.25, 0.9525741268**2, 1.0])


def test_bfloat16_is_computed_in_float32_and_float64_stays() -> None:
    loss = MSE().build(facts("regression", 0))
    assert loss(torch.ones(2, dtype=torch.bfloat16), torch.zeros(2), 0.0).dtype == torch.float32
    assert loss(torch.ones(2, dtype=torch.float64), torch.zeros(2), 0.0).dtype == torch.float64


def test_kind_by_number_of_classes() -> None:
    assert (MSE().kind(0), MSE().kind(2)) == ("regression", "binary")


@pytest.mark.parametrize(("classes", "words"), [(10, "has 10 classes"), (3, "has 3 classes"), (1, "has 1 class:")])
def test_refuses_several_classes(classes: int, words: str) -> None:
    with pytest.raises(ValueError, match=rf"^mse is for a regression.*{words}.*choose loss=cross_entropy"):
        MSE().kind(classes)
