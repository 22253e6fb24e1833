"""The convolutional network task: what its knobs build, and images that are too small for it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from temper.facts import Facts
from temper.quantity import Clock
from temper.report.record import Report
from temper.task.convnet import ConvNet

GOOD = {
    "stem": None,
    "widths": (64, 256, 256),
    "convolutions": 2,
    "residual": False,
    "activation": "gelu",
    "pooling": "max",
    "logit_scale": 1.0,
}


def task(**knobs: Any) -> ConvNet:
    return ConvNet(**GOOD | knobs)


def facts(shape: tuple[int, ...] = (24, 31, 31), epoch_shapes: tuple[tuple[int, ...], ...] = ()) -> Facts:
    return Facts(
        kind="multiclass",
        shape=shape,
        outputs=10,
        classes=10,
        examples=8,
        class_counts=(),
        clock=Clock((0, 1)),
        epoch_shapes=epoch_shapes,
    )


def test_parameters_are_those_of_the_published_network() -> None:
    with torch.device("meta"):
        network = task(stem="offset").network(facts())
    learned = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    convolutions = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
    assert learned == convolutions + 24 + 2 * (64 + 256 + 256) + 256 * 10


def test_refuses_images_that_cannot_be_halved_so_often() -> None:
    with pytest.raises(
        ValueError, match=r"task\.widths has 3 stages.*have 7 pixels.*at least 8, or name fewer stages$"
    ):
        task().network(facts((3, 7, 32)))
    with pytest.raises(ValueError, match="or raise the sides of resolution"):
        task().network(facts(epoch_shapes=((24, 7, 7),)))
    task().network(facts((3, 8, 8)))


@pytest.mark.parametrize(
    ("knob", "value"),
    [("stem", "x"), ("widths", (0,)), ("widths", ()), ("convolutions", 0), ("pooling", "mean"), ("logit_scale", 0.0)],
)
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        task(**{knob: value})


def test_learns(small_cifar10: None, train: Callable[..., Report]) -> None:
    report = train(
        "task=convnet", "task.widths=[8,8]", "preprocessing=[normalize,patch_whitening]", "task.stem=offset",
        "preprocessing.patch_whitening.size=2", "preprocessing.patch_whitening.negatives=true",
        "initialization=identity", "initialization.layers=convolutions", "initialization.rest=default",
        "resolution=piecewise", "resolution.sides=[16,24,32]", "epochs=3", "batch_size=40", "trainer.threads=1",
    )  # fmt: skip
    assert report.state == "finished"
