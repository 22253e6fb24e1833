"""The operations that RandAugment, TrivialAugment and AutoAugment share (Cubuk et al., 2018, arXiv:1805.09501).

An image's draw is a row of operations, each with its magnitude, carried out one after the other; magnitudes mean:

    shear_x, shear_y           pixels to the side for each pixel down (or the other way round)
    translate_x, translate_y   pixels, cut to whole ones
    rotate                     degrees, counter-clockwise
    brightness, color, contrast, sharpness   added to the factor 1
    posterize                  bits that stay, solarize: threshold above which a pixel is inverted, of the whole range
    identity, auto_contrast, equalize, invert   none

Pixels are looked up nearest by, black beyond the border, as in torchvision's transforms of these names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from temper.augmentation import color
from temper.augmentation.affine import resample
from temper.sending import sent

BINS = 31  # levels of magnitude, 0..30, in RandAugment and TrivialAugment


class Range(NamedTuple):
    """Magnitudes from the weakest level to the strongest; of a signed one, half are taken negative."""

    start: float = 0.0
    end: float = 0.0
    signed: bool = False


Space = Mapping[str, Range]


def moderate_space(height: int, width: int) -> Space:
    """Return the ranges of AutoAugment and RandAugment for images of this size."""
    shift = 150 / 331  # of the side, as torchvision has it: ImageNet's policies were found on images of 331 pixels
    return {
        "shear_x": Range(0, 0.3, True),
        "shear_y": Range(0, 0.3, True),
        "translate_x": Range(0, shift * width, True),
        "translate_y": Range(0, shift * height, True),
        "rotate": Range(0, 30, True),
        **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), Range(0, 0.9, True)),
        "posterize": Range(8, 4),
        "solarize": Range(1, 0),
    }


def positions(names: Sequence[str]) -> Tensor:
    """Return where each of ``names`` stands in `NAMES`."""
    return torch.tensor([NAMES.index(name) for name in names])


def magnitudes(operation: Tensor, level: Tensor, levels: int, space: Space, generator: Generator) -> Tensor:
    """Return the magnitudes (n, k) of operations (n, k), positions in `NAMES`, at their level (n, k) of ``levels``."""
    ranges = [space.get(name, Range()) for name in NAMES]
    table = torch.stack([torch.linspace(each.start, each.end, levels) for each in ranges])
    table[NAMES.index("posterize")].round_()
    value = table[operation, level]
    signed = torch.tensor([each.signed for each in ranges])[operation]
    negative = signed & (torch.rand(operation.shape, generator=generator) <= 0.5)
    return torch.where(negative, -value, value)


def operate(images: Tensor, operation: Tensor, magnitude: Tensor) -> Tensor:
    """Return uint8 images (n, c, h, w) after their operations (n, k) at their magnitudes (n, k), left to right.

    ``operation`` is on the CPU, the others where the images are.
    """
    for drawn, by in zip(operation.unbind(1), magnitude.unbind(1), strict=True):
        result = images.clone()
        kind = (drawn - (len(MOVES) - 1)).clamp(min=0)  # all moves together: they are one sampling
        moved, *changed = rows_of_each(kind, 1 + len(CHANGES), images.device)
        if len(moved):
            result.index_copy_(0, moved, _move(images[moved], sent(drawn, images.device)[moved], by[moved]))
        for change, rows in zip(CHANGES.values(), changed, strict=True):
            if len(rows):
                result.index_copy_(0, rows, change(images[rows], by[rows]))
        images = result
    return images


def rows_of_each(kind: Tensor, kinds: int, device: torch.device) -> tuple[Tensor, ...]:
    """Return on ``device``, for each of ``kinds``, the rows (m,) where ``kind`` (n,), on the CPU, is it."""
    rows = sent(kind.argsort(stable=True), device)
    return torch.split(rows, torch.bincount(kind, minlength=kinds).tolist())


def _move(images: Tensor, operation: Tensor, by: Tensor) -> Tensor:
    """Return images (n, c, h, w) sheared, shifted or turned by ``by`` (n,), whichever ``operation`` (n,) says."""
    height, width = images.shape[2:]
    shear_x, shear_y, right, down, turn = (by * (operation == place) for place in range(len(MOVES)))
    angle = torch.deg2rad(turn)
    cos, sin, right, down = angle.cos(), angle.sin(), right.trunc(), down.trunc()
    # Every image has one of them, so that they need not be multiplied out; a shear holds the upper or left border.
    rows = [cos, shear_x - sin, shear_x * (height / 2) - right, shear_y + sin, cos, shear_y * (width / 2) - down]
    return resample(images, torch.stack(rows, 1).view(-1, 2, 3), "nearest")


def _sharpness(images: Tensor, by: Tensor) -> Tensor:
    """Return images drawn away from their smoothed selves (weights 1, in the middle 5); the border stays."""
    if min(images.shape[2:]) <= 2:
        return images
    values = images.float()
    inner = values[:, :, 1:-1, 1:-1]
    smooth = ((9 * F.avg_pool2d(values, 3, 1) + 4 * inner) / 13).round_()
    inner.add_((inner - smooth).mul_(color.per_image(by)))
    return color.pixels(values)


def _posterize(images: Tensor, bits: Tensor) -> Tensor:
    kept = 256 - torch.pow(2, 8 - bits.long())
    return images & color.per_image(kept).to(torch.uint8)


def _solarize(images: Tensor, threshold: Tensor) -> Tensor:
    return torch.where(images >= 255 * color.per_image(threshold), 255 - images, images)


def _auto_contrast(images: Tensor, _: Tensor) -> Tensor:
    """Return images whose channels are stretched to 0..255; a channel of one colour stays."""
    values = images.float()
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    even = high == low
    scale = torch.where(even, 1, (high - low) * (1 / 255))
    return ((values - torch.where(even, 0, low)) / scale).clamp_(0, 255).to(torch.uint8)


def _equalize(images: Tensor, _: Tensor) -> Tensor:
    """Return images whose channels use all levels alike, by Pillow's rule; a channel of too few levels stays."""
    channel = images.flatten(2).flatten(0, 1).long()
    counts = channel.new_zeros(len(channel), 256).scatter_add_(1, channel, torch.ones_like(channel))
    below = counts.cumsum(1) - counts
    brightest = counts.gather(1, channel.amax(1, keepdim=True))
    step = (channel.shape[1] - brightest) // 255
    table = ((below + step // 2) // step.clamp(min=1)).clamp_(max=255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    return table.gather(1, channel).view(images.shape).to(torch.uint8)


# How a magnitude (n,) acts on images (n, c, h, w): moves by one matrix each, changes of colour each by itself.
MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
CHANGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "identity": lambda images, _: images,
    "brightness": lambda images, by: color.brightness(images, 1 + by),
    "color": lambda images, by: color.saturation(images, 1 + by),
    "contrast": lambda images, by: color.contrast(images, 1 + by),
    "sharpness": _sharpness,
    "posterize": _posterize,
    "solarize": _solarize,
    "auto_contrast": _auto_contrast,
    "equalize": _equalize,
    "invert": lambda images, _: 255 - images,
}
NAMES = (*MOVES, *CHANGES)
