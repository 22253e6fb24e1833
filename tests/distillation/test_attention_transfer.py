"""Attention transfer against maps in plain floats, for layers of like and unlike size."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.distillation.conftest import FACTS, FRACTION, NOBODY, built, refuses, terms
from torch import Tensor, nn
from torch.nn import functional as F

from temper.distillation.attention_transfer import AttentionTransfer
from temper.network.convnet import ConvNet

GOOD: dict[str, Any] = {
    "teacher": "a/run", "student_layers": ("0", "1"), "teacher_layers": ("0", "1"), "power": 2.0, "weight": 0.9,
}  # fmt: skip
PICTURES = replace(FACTS, shape=(2, 4, 4))


def pictures(channels: int, stride: int = 1) -> nn.Module:
    """Two convolutions, the second of stride ``stride``; a pool and a head."""
    torch.manual_seed(channels)
    return nn.Sequential(
        nn.Conv2d(2, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, stride, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3),
    ).double()  # fmt: skip


def by_hand(mine: Tensor, theirs: Tensor, power: float) -> float:
    """Half the squared distance of the maps of one example's features (channels, height, width)."""
    units = []
    for features in (mine, theirs):
        channels = features.flatten(1).tolist()
        flat = [sum(abs(value) ** power for value in column) for column in zip(*channels, strict=True)]
        length = math.sqrt(sum(value**2 for value in flat))
        units.append([value / length for value in flat])
    return sum((a - b) ** 2 for a, b in zip(*units, strict=True)) / 2


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
def test_agrees_with_its_definition(power: float) -> None:
    student, teacher, inputs = pictures(3), pictures(5), torch.randn(6, 2, 4, 4, dtype=torch.float64)
    distiller = built(AttentionTransfer(**{**GOOD, "power": power}), student, teacher, PICTURES)
    found = terms(distiller, student, inputs)
    assert tuple(found) == AttentionTransfer.terms
    for row, value in enumerate(found["attention_transfer"].tolist()):
        one = inputs[row : row + 1]
        pairs = [(student[:end](one)[0], teacher[:end](one)[0]) for end in (1, 2)]
        assert value == pytest.approx(sum(by_hand(*pair, power) for pair in pairs), rel=1e-9)
        assert 0.001 < value < 2


@pytest.mark.parametrize("strides", [(1, 2), (2, 1)])
def test_the_larger_map_is_averaged(strides: tuple[int, int]) -> None:
    student, teacher = pictures(3, strides[0]), pictures(5, strides[1])
    record = AttentionTransfer(**{**GOOD, "student_layers": ("1",), "teacher_layers": ("1",)})
    inputs = torch.randn(6, 2, 4, 4, dtype=torch.float64)
    value = terms(built(record, student, teacher, PICTURES), student, inputs)["attention_transfer"]
    maps = [network[:2](inputs).square().sum(1) for network in (student, teacher)]
    maps = [each if each.shape[1] == 2 else each.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4)) for each in maps]
    cosine = F.cosine_similarity(*(each.flatten(1) for each in maps))
    torch.testing.assert_close(value, 1 - cosine)


def test_only_where_it_looks_counts() -> None:
    """The same map, louder and of other channels, costs nothing; a network that is silent makes no infinity."""
    teacher = pictures(3)
    student = nn.Sequential(*teacher[:2], nn.Flatten())
    record = AttentionTransfer(**{**GOOD, "student_layers": ("1",), "teacher_layers": ("1",)})
    distiller = built(record, student, teacher, PICTURES)
    inputs = torch.randn(6, 2, 4, 4, dtype=torch.float64)
    louder = nn.Sequential(*student[:1], nn.Conv2d(3, 6, 3, 1, 1).double(), nn.Flatten())
    with torch.no_grad():
        for weight, own in zip(louder[1].parameters(), student[1].parameters(), strict=True):
            weight.copy_(8 * torch.cat((own, -own)))
    assert terms(distiller, louder, inputs)["attention_transfer"].abs().max() < 1e-12
    for weight in louder[1].parameters():
        nn.init.zeros_(weight)
    value = terms(distiller, louder, inputs)["attention_transfer"]
    value.mean().backward()
    torch.testing.assert_close(value, torch.full_like(value, 0.5))
    assert all(bool(weight.grad.isfinite().all()) for weight in louder[1].parameters())


def test_the_gradient_is_that_of_the_value() -> None:
    student, teacher, inputs = pictures(2, 2), pictures(3), torch.randn(2, 2, 4, 4, dtype=torch.float64)
    distiller = built(AttentionTransfer(**GOOD), student, teacher, PICTURES)
    weights = (student[0].weight, student[1].weight)
    assert torch.autograd.gradcheck(lambda *_: terms(distiller, student, inputs)["attention_transfer"], weights)


def test_the_teacher_is_asked_for_features_and_never_trained() -> None:
    student, teacher = pictures(3), pictures(5)
    distiller = built(AttentionTransfer(**GOOD), student, teacher, PICTURES)
    terms(distiller, student, torch.randn(2, 2, 4, 4, dtype=torch.float64))["attention_transfer"].mean().backward()
    assert distiller.state_dict() == {}
    assert all(weight.grad is None for weight in teacher.parameters())
    assert student[1].weight.grad is not None


def network(stages: int) -> ConvNet:
    return ConvNet(
        2, 3, widths=[4] * stages, convolutions=1, residual=False, between="gelu", pooling="average", offset=False,
        logit_scale=1.0,
    )  # fmt: skip


def test_null_is_the_last_layer_before_the_head() -> None:
    nobody = AttentionTransfer(**{**GOOD, "student_layers": None, "teacher_layers": None})
    assert built(nobody, network(2), network(1), PICTURES).taps == ("stages.1",)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"student_layers": ("0", "7")}, r"attention_transfer\.student_layers=7: .*no layer of that name"),
        ({"teacher_layers": ("0", "7")}, r"attention_transfer\.teacher_layers=7: .*no layer of that name"),
        ({"student_layers": ("0", "3")}, r"student_layers: layer 3 puts out 3 numbers without positions"),
    ],
)
def test_refuses_a_layer_without_a_map(knobs: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        built(AttentionTransfer(**{**GOOD, **knobs}), pictures(3), pictures(5), PICTURES)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"power": 0.99}, r"power=0\.99 has no slope.*1\.0 at least"),
        ({"student_layers": ("0",)}, r"one by one, and here are 1 and 2"),
        ({"student_layers": (), "teacher_layers": ()}, r"here are 0 and 0"),
        ({"teacher_layers": None}, r"here are 2 and 1.*null is the last before the head"),
        *((each, None) for each in (*FRACTION, *NOBODY)),
    ],
)
def test_refuses(bad: dict[str, Any], said: str | None) -> None:
    refuses(AttentionTransfer, GOOD, bad, said)
