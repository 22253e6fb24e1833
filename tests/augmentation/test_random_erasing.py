"""The box against slicing each image by itself, and its draws against torchvision's."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import ks_2samp
from torchvision.transforms import v2

from temper.augmentation.random_erasing import RandomErasing

KNOBS: dict[str, Any] = {"p": 1.0, "smallest": 0.02, "largest": 0.4, "slimmest": 0.3, "fill": "zero"}


@pytest.mark.parametrize("fill", ["zero", "noise"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_overwrites_the_box(fill: str, kind: torch.dtype) -> None:
    images = torch.rand(20, 2, 9, 14, dtype=kind) + 1
    before, erasing = images.clone(), RandomErasing(**KNOBS | {"fill": fill, "p": 0.7})
    drawn = erasing.draw([12, 8], (2, 9, 14), torch.Generator().manual_seed(0))
    result, _ = erasing.apply(images, torch.zeros(20), drawn)
    for row in range(20):
        top, left, high, wide = (int(drawn[name][row]) for name in ("top", "left", "high", "wide"))
        box = (slice(None), slice(top, top + high), slice(left, left + wide))
        expected = before[row].clone()
        expected[box] = drawn["noise"][row][box].to(kind) if fill == "noise" else 0
        assert torch.equal(result[row], expected)
    assert torch.equal(images, before)
    assert 0 < (drawn["high"] == 0).sum() < 20


def test_boxes_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    rival = v2.RandomErasing(p=1.0, scale=(0.02, 0.4), ratio=(0.3, 1 / 0.3))
    theirs = [rival.make_params([torch.zeros(3, 20, 24)]) for _ in range(2500)]
    drawn = RandomErasing(**KNOBS).draw([2000, 500], (3, 20, 24), torch.Generator().manual_seed(0))
    for name, there in (("top", "i"), ("left", "j"), ("high", "h"), ("wide", "w")):
        assert ks_2samp([each[there] for each in theirs], drawn[name].numpy()).pvalue > 0.001, name
    for measure in (torch.mul, torch.div):  # area and aspect, which hold the sides together
        here = measure(drawn["high"], drawn["wide"])
        there = [measure(torch.tensor(each["h"]), torch.tensor(each["w"])).item() for each in theirs]
        assert ks_2samp(there, here.numpy()).pvalue > 0.001


def test_a_box_that_never_fits_is_left_out() -> None:
    drawn = RandomErasing(**KNOBS | {"smallest": 1.0, "largest": 1.0}).draw([50], (3, 8, 8), torch.Generator())
    assert not drawn["high"].any()
    assert not drawn["wide"].any()


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_each_image_has_its_own_coin(p: float) -> None:
    drawn = RandomErasing(**KNOBS | {"p": p}).draw([4000], (3, 32, 32), torch.Generator().manual_seed(0))
    assert (drawn["high"] > 0).float().mean().item() == pytest.approx(p, abs=0.03)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"p": 1.1}, "p"),
        ({"smallest": -0.1}, "smallest"),
        ({"largest": 1.1}, "largest"),
        ({"smallest": 0.5, "largest": 0.4}, "smallest=0.5 is above largest=0.4"),
        ({"slimmest": 0.0}, "slimmest"),
        ({"slimmest": 1.1}, "slimmest"),
        ({"fill": "grey"}, "fill"),
    ],
)
def test_refuses(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RandomErasing(**KNOBS | knobs)
