"""Changes of colour against torchvision's, image by image."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from temper.augmentation import color

CHANGES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor, float], Tensor]]] = {
    "brightness": (color.brightness, F.adjust_brightness),
    "contrast": (color.contrast, F.adjust_contrast),
    "saturation": (color.saturation, F.adjust_saturation),
    "hue": (color.hue, F.adjust_hue),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_agrees_with_torchvision(name: str, channels: int) -> None:
    ours, theirs = CHANGES[name]
    images = torch.randint(256, (9, channels, 16, 24), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images[:3, :, :8] = images[:3, :1, :8]  # grey ones
    images[0, :, 0] = 0
    factor = torch.linspace(-0.5, 0.5, 9) if name == "hue" else torch.linspace(0, 1.9, 9)
    before = images.clone()
    result = ours(images, factor)
    assert result.dtype == torch.uint8
    assert torch.equal(images, before)
    for row, by in enumerate(factor.tolist()):
        differs = (result[row].int() - theirs(images[row], by).int()).abs()
        assert (differs <= 1).float().mean() >= 0.99, by
        assert (differs == 0).float().mean() >= 0.95, by


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_changed_is_the_image(name: str) -> None:
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    factor = torch.zeros(2) if name == "hue" else torch.ones(2)
    assert (CHANGES[name][0](images, factor).int() - images.int()).abs().max() <= 1


@pytest.mark.parametrize("name", CHANGES)
def test_other_channels_are_taken_too(name: str) -> None:
    images = torch.randint(256, (2, 4, 8, 8), dtype=torch.uint8)
    assert CHANGES[name][0](images, torch.full((2,), 0.3)).shape == images.shape
