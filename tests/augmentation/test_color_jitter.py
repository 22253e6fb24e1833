"""The jitter against torchvision's for the same factors in the same order, and its draws against torchvision's."""

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import chisquare, ks_2samp
from torchvision.transforms import v2

from temper.augmentation.color_jitter import ColorJitter

KNOBS = {"brightness": 0.4, "contrast": 1.3, "saturation": 0.5, "hue": 0.1}


@pytest.mark.parametrize("hue", [0.0, 0.3])
def test_colours_as_torchvision_does(hue: float) -> None:
    jitter = ColorJitter(**KNOBS | {"hue": hue})
    images = torch.randint(256, (16, 3, 12, 12), dtype=torch.uint8)
    before = images.clone()
    drawn = jitter.draw([10, 6], (3, 12, 12), torch.Generator().manual_seed(0))
    result, _ = jitter.apply(images, torch.zeros(16), drawn)
    for row in range(16):
        factors = {f"{name}_factor": drawn[name][row].item() for name in KNOBS}
        factors |= {"fn_idx": drawn["order"][row], **({} if hue else {"hue_factor": None})}
        there = v2.ColorJitter().transform(images[row], factors)
        # A level lost on the way grows by the factors that follow.
        assert ((result[row].int() - there.int()).abs() <= 1).float().mean() >= 0.99
    assert torch.equal(images, before)


def test_factors_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    theirs = [v2.ColorJitter(**KNOBS).make_params([]) for _ in range(1500)]
    drawn = ColorJitter(**KNOBS).draw([1000, 500], (3, 8, 8), torch.Generator().manual_seed(0))
    for name in KNOBS:
        assert ks_2samp([each[f"{name}_factor"] for each in theirs], drawn[name].numpy()).pvalue > 0.001, name


def test_every_order_is_as_likely() -> None:
    order = ColorJitter(**KNOBS).draw([4800], (3, 8, 8), torch.Generator().manual_seed(0))["order"]
    assert order.sort(1).values.unique(dim=0).tolist() == [[0, 1, 2, 3]]
    counts = order.unique(dim=0, return_counts=True)[1]
    assert len(counts) == 24
    assert chisquare(counts.numpy()).pvalue > 0.001


def test_grey_images_are_taken() -> None:
    images, jitter = torch.randint(256, (6, 1, 8, 8), dtype=torch.uint8), ColorJitter(**KNOBS)
    result, _ = jitter.apply(images, torch.zeros(6), jitter.draw([6], (1, 8, 8), torch.Generator()))
    assert result.shape == images.shape


@pytest.mark.parametrize(
    ("knob", "bad"), [("brightness", -0.1), ("contrast", -0.1), ("saturation", float("inf")), ("hue", 0.51)]
)
def test_refuses(knob: str, bad: float) -> None:
    with pytest.raises(ValidationError, match=knob):
        ColorJitter(**KNOBS | {knob: bad})
