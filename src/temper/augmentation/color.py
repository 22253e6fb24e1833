"""Colours of uint8 images, each image by a factor of its own; formulas and rounding are torchvision's.

    brightness   image · factor
    contrast     image · factor + (1 - factor) · mean of the image's grey
    saturation   image · factor + (1 - factor) · grey of each pixel
    hue          the hue turned by ``factor`` of the colour circle; saturation and value stay
    grey         0.2989 r + 0.587 g + 0.114 b, rounded down; of an image without three channels, their mean

Results are cut to 0..255 and rounded down. Images are (n, c, h, w), factors (n,).
"""

import torch
from torch import Tensor


def per_image(factor: Tensor) -> Tensor:
    """Return ``factor`` (n,) as (n, 1, 1, 1)."""
    return factor.view(-1, 1, 1, 1)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Return the images brighter by ``factor``: black at 0, themselves at 1."""
    return pixels(images * per_image(factor))


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Return the images drawn away from their mean grey: even at 0, themselves at 1."""
    return blend(images, _grey(images).mean((2, 3), keepdim=True), factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Return the images drawn away from their own grey: without colour at 0, themselves at 1."""
    if images.shape[1] == 1:
        return images.clone()
    return blend(images, _grey(images), factor)


def hue(images: Tensor, factor: Tensor) -> Tensor:
    """Return the images with hues turned by ``factor`` in [-0.5, 0.5] of the circle; grey images as they are."""
    if images.shape[1] != 3:
        return images.clone()
    values = images.float()
    low, high = values.aminmax(dim=1)
    chroma = high - low
    red, green, blue = values.unbind(1)
    sixth = torch.where(
        high == red,
        green - blue,
        torch.where(high == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    ) / chroma.clamp(min=1)  # whole numbers: only a grey pixel has less than 1, and its hue is of no account
    # A channel falls from the value by the chroma where the hue is far from its own: a trapezium over the circle.
    own = 5 - 2 * torch.arange(3, device=images.device).view(3, 1, 1)
    place = (own + sixth.unsqueeze(1) + 6 * per_image(factor)).remainder_(6)
    fall = torch.minimum(place, 4 - place).clamp_(0, 1)
    turned = high.unsqueeze(1) - chroma.unsqueeze(1) * fall
    return pixels(turned.mul_(255.999 / 255))


def blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """Return ``factor`` of the images and the rest of ``other``; a factor above 1 leads away from it."""
    share = per_image(factor)
    return pixels(images * share + other * (1 - share))


def pixels(values: Tensor) -> Tensor:
    """Return ``values`` cut to 0..255 and rounded down, in place, as uint8."""
    return values.clamp_(0, 255).to(torch.uint8)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] != 3:
        return images.float().mean(1, keepdim=True).floor_()
    red, green, blue = images.unbind(1)
    return (red * 0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).floor_().unsqueeze(1)
