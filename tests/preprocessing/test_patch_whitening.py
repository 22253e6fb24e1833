"""Responses at each pixel against patches cut out one by one; and a network that sees more channels."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from temper.facts import Examples
from temper.preprocessing.patch_whitening import PatchWhitening
from temper.report.record import Report
from temper.whitening import whitening


def images(count: int = 12) -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, 8, 8), generator=draw, dtype=torch.uint8)


def step(**knobs: Any) -> PatchWhitening:
    return PatchWhitening(**{"size": 3, "eps": 1e-3, "negatives": False} | knobs)


def test_each_pixel_is_its_whitened_window() -> None:
    train = Examples(images(), torch.zeros(12, dtype=torch.int64))
    fitted = step().fit(train)
    scaled = images().float() / 255
    found = whitening(scaled, 3, 1e-3)
    ours = step().apply(scaled, fitted)
    assert ours.shape == (12, 27, 8, 8)
    padded = F.pad(scaled, [1] * 4)
    for row, column in ((0, 0), (3, 5), (7, 2)):
        window = padded[4, :, row : row + 3, column : column + 3]
        expected = (found.filters * window).sum((1, 2, 3)) - found.offsets
        torch.testing.assert_close(ours[4, :, row, column], expected, atol=1e-4, rtol=1e-4)


def test_an_even_window_stays_within_the_image_and_negatives_follow() -> None:
    scaled = images().float() / 255
    both = step(size=2, negatives=True)
    ours = both.apply(scaled, both.fit(Examples(images(), torch.zeros(12, dtype=torch.int64))))
    found = whitening(scaled, 2, 1e-3)
    assert ours.shape == (12, 24, 7, 7)
    for row, column in ((0, 0), (3, 5), (6, 6)):
        expected = (found.filters * scaled[4, :, row : row + 2, column : column + 2]).sum((1, 2, 3)) - found.offsets
        torch.testing.assert_close(ours[4, :12, row, column], expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours[:, 12:], -ours[:, :12], atol=1e-5, rtol=1e-5)


def test_the_largest_window_is_the_image() -> None:
    whole = step(size=8)
    fitted = whole.fit(Examples(images(), torch.zeros(12, dtype=torch.int64)))
    assert whole.apply(images().float() / 255, fitted).shape == (12, 192, 1, 1)


def test_what_earlier_steps_made_of_the_images_is_whitened() -> None:
    floats = images().float() / 255 * 3 - 1
    fitted = step().fit(Examples(floats, torch.zeros(12, dtype=torch.int64)))
    inner = step().apply(floats, fitted)[:, :, 1:-1, 1:-1].transpose(0, 1).flatten(1)
    assert inner.mean(1).abs().max() < 1e-3
    assert (inner.square().mean(1) <= 1 + 1e-3).all()


def test_the_network_sees_the_responses(small_cifar10: None, train: Callable[..., Report]) -> None:
    report = train(
        "task=cifar_resnet", "task.depth=8", "task.width=0.25", "preprocessing=[normalize,patch_whitening]",
        "augmentation=[crop,mixup]", "epochs=1", "batch_size=40", "trainer=cpu", "trainer.threads=1",
    )  # fmt: skip
    assert report.state == "finished"


@pytest.mark.parametrize(("knob", "value"), [("size", 1), ("size", 2.0), ("eps", 0.0), ("negatives", 1)])
def test_refuses(knob: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=knob):
        step(**{knob: value})


def test_refuses_a_table_and_small_images() -> None:
    with pytest.raises(ValueError, match=r"preprocessing=\[standardize\]"):
        step().fit(Examples(torch.zeros(3, 4), torch.zeros(3)))
    with pytest.raises(ValueError, match=r"preprocessing\.patch_whitening\.size=9.*at most 8"):
        step(size=9).fit(Examples(images(), torch.zeros(12)))
