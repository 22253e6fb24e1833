"""Hints against the squared distance by hand, the regressor that is learned along, and layers that are not there."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.distillation.conftest import FACTS, FRACTION, NOBODY, built, refuses, terms
from torch import nn

from temper.distillation.hints import Hints
from temper.facts import Facts
from temper.network.mlp import MLP

GOOD: dict[str, Any] = {
    "teacher": "a/run", "student_layer": "hidden.activation1", "teacher_layer": "hidden.activation2", "weight": 0.5,
}  # fmt: skip
PICTURES: Facts = replace(FACTS, shape=(2, 6, 6))


def perceptron(*hidden: int, shape: tuple[int, ...] = (3,)) -> MLP:
    return MLP(shape, 3, hidden=hidden, between="tanh")


def pictures(channels: int, stride: int = 1) -> nn.Module:
    """Two convolutions, the second of stride ``stride``; a pool and a head."""
    return nn.Sequential(
        nn.Conv2d(2, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, stride, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3),
    )  # fmt: skip


def test_is_half_the_mean_square_by_hand() -> None:
    torch.manual_seed(0)
    student, teacher = perceptron(4, 5).double(), perceptron(6, 7).double()
    distiller = built(Hints(**GOOD), student, teacher).double()
    inputs = torch.randn(8, 3, dtype=torch.float64)
    found = terms(distiller, student, inputs)
    assert tuple(found) == Hints.terms
    assert distiller.taps == ("hidden.activation1",)
    weight, bias = (each.tolist() for each in distiller.regressor.parameters())
    mine, theirs = student.hidden[:2](inputs).tolist(), teacher.hidden(inputs).tolist()
    for row, value in enumerate(found["hints"].tolist()):
        said = [
            sum(w * v for w, v in zip(line, mine[row], strict=True)) + b for line, b in zip(weight, bias, strict=True)
        ]
        squares = [(u - r) ** 2 for u, r in zip(theirs[row], said, strict=True)]
        assert value == pytest.approx(sum(squares) / 2 / 7, rel=1e-12)


def test_maps_position_by_position() -> None:
    torch.manual_seed(0)
    student, teacher = pictures(3), pictures(5)
    distiller = built(Hints(**{**GOOD, "student_layer": "1", "teacher_layer": "0"}), student, teacher, PICTURES)
    inputs = torch.randn(4, 2, 6, 6)
    value = terms(distiller, student, inputs)["hints"]
    weight, bias = distiller.regressor.parameters()
    said = torch.einsum("oi,nihw->nohw", weight[:, :, 0, 0], student[:2](inputs)) + bias[:, None, None]
    torch.testing.assert_close(value, (teacher[0](inputs) - said).square().mean((1, 2, 3)) / 2)


def test_null_is_the_last_layer_before_the_head() -> None:
    torch.manual_seed(0)
    student, teacher = perceptron(4, 5), perceptron(6)
    null = built(Hints(**{**GOOD, "student_layer": None, "teacher_layer": None}), student, teacher)
    named = built(Hints(**{**GOOD, "student_layer": "hidden.activation2", "teacher_layer": "hidden"}), student, teacher)
    named.load_state_dict(null.state_dict())
    inputs = torch.randn(4, 3)
    assert null.taps == ("hidden.activation2",)
    assert torch.equal(terms(null, student, inputs)["hints"], terms(named, student, inputs)["hints"])


def test_only_the_regressor_and_the_student_learn() -> None:
    student, teacher = perceptron(4, 5), perceptron(6, 7)
    before = {name: entry.clone() for name, entry in teacher.state_dict().items()}
    distiller = built(Hints(**GOOD), student, teacher)
    terms(distiller, student.train(), torch.randn(4, 3))["hints"].mean().backward()
    assert list(distiller.state_dict()) == ["regressor.weight", "regressor.bias"]
    assert all(weight.grad is not None for weight in distiller.parameters())
    assert student.hidden[0].weight.grad is not None
    assert student.hidden[2].weight.grad is None  # behind the hint
    assert all(weight.grad is None for weight in teacher.parameters())
    assert all(torch.equal(entry, before[name]) for name, entry in teacher.state_dict().items())


def test_the_gradient_is_that_of_the_value() -> None:
    torch.manual_seed(0)
    student, teacher = perceptron(4).double(), perceptron(6, 7).double()
    distiller = built(Hints(**GOOD), student, teacher).double()
    inputs = torch.randn(3, 3, dtype=torch.float64)
    weights = (student.hidden[0].weight, *distiller.parameters())
    assert torch.autograd.gradcheck(lambda *_: terms(distiller, student, inputs)["hints"], weights)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"student_layer": "hidden.activation9"}, r"hints\.student_layer=hidden\.activation9: .*activation1\?"),
        ({"teacher_layer": "hiden"}, r"hints\.teacher_layer=hiden: .*did you mean hidden\?"),
    ],
)
def test_refuses_a_layer_that_is_not_there(knobs: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        built(Hints(**{**GOOD, **knobs}), perceptron(4), perceptron(6, 7))


def test_refuses_layers_that_cannot_be_compared() -> None:
    named = {**GOOD, "student_layer": "1", "teacher_layer": "1"}
    with pytest.raises(ValueError, match=r"student's 1 puts out 3x6x6 and the teacher's 1 5x3x3: name layers of one"):
        built(Hints(**named), pictures(3), pictures(5, stride=2), PICTURES)
    with pytest.raises(ValueError, match=r"student's hidden puts out 4 numbers and the teacher's 1 5x6x6"):
        built(Hints(**{**named, "student_layer": "hidden"}), perceptron(4, shape=(2, 6, 6)), pictures(5), PICTURES)
    with pytest.raises(ValueError, match=r"teacher_layer=null: the network is its head alone"):
        built(Hints(**{**GOOD, "teacher_layer": None}), perceptron(4), perceptron())


def test_sees_the_images_of_every_epoch() -> None:
    """Of 6 pixels a stride leaves 3, and so does a pooling that rounds down; of 5 it leaves 3, and the pooling 2."""
    student = nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    named = Hints(**{**GOOD, "student_layer": "1", "teacher_layer": "1"})
    built(named, student, pictures(5, stride=2), PICTURES)
    with pytest.raises(ValueError, match="3x2x2 and the teacher's 1 5x3x3"):
        built(named, student, pictures(5, stride=2), replace(PICTURES, epoch_shapes=((2, 5, 5), (2, 6, 6))))


@pytest.mark.parametrize("bad", [{"student_layer": ""}, {"teacher_layer": ""}, *FRACTION, *NOBODY])
def test_refuses(bad: dict[str, Any]) -> None:
    refuses(Hints, GOOD, bad)
