"""Normalisation of images, channel by channel (LeCun et al., 1998, "Efficient BackProp", section 4.3).

    x = (x - mean) / std    mean and std of each channel over all pixels of the training images, scaled to [0, 1]

Inputs about zero with one spread make the loss rounder, so that one learning rate suits all weights. Give both
statistics (such as those a transferred network was trained with) or neither: then they are fitted.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.facts import Examples
from temper.quantity import Positive, Real
from temper.strategy import Preprocessing, strategy

_CHUNK = 4096  # images: bounds the memory of a fit to a few megabytes


@strategy
class Normalize(Preprocessing):
    """Each channel shifted by its mean and divided by its deviation."""

    images: ClassVar[bool] = True

    mean: tuple[Real, ...] | None
    std: tuple[Positive, ...] | None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together: give both, or null for both to have them fitted")
        if self.mean is not None and self.std is not None and len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} values and std {len(self.std)}: give one of each a channel")
        return self

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``mean`` and ``std``, (c,), of images (n, c, h, w): uint8, or floats in [0, 1].

        Raises:
            ValueError: the inputs are no images, or have another number of channels than ``mean``.
        """
        images = train.inputs
        if images.dim() != 4:
            raise ValueError("normalize is for images, and this data is a table: choose preprocessing=[standardize]")
        if self.mean is None or self.std is None:
            mean, std = _moments(images)
            return {"mean": mean.float(), "std": std.float()}
        if len(self.mean) != images.shape[1]:
            raise ValueError(
                f"mean and std have {len(self.mean)} values, and these images {images.shape[1]} channels: "
                "give one value a channel, or null to have them fitted"
            )
        return {"mean": torch.tensor(self.mean), "std": torch.tensor(self.std)}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return normalised images (n, c, h, w)."""
        return (inputs - fitted["mean"].view(-1, 1, 1)) / fitted["std"].view(-1, 1, 1)


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation (c,) in float64; the deviation of a channel that never varies is 1."""
    if images.dtype == torch.uint8:
        mean, variance = _moments_of_bytes(images)
    else:
        mean, variance = _moments_of_floats(images)
    return mean, torch.where(variance.sqrt().float() > 0, variance.sqrt(), 1.0)


def _moments_of_bytes(images: Tensor) -> tuple[Tensor, Tensor]:
    # Counting each of the 256 values is exact and much faster than turning 150 million bytes into floats.
    channels = images.shape[1]
    counts = torch.zeros(channels, 256, dtype=torch.float64)
    for chunk in _chunks(images):
        for channel, pixels in enumerate(chunk.transpose(0, 1).reshape(channels, -1)):
            counts[channel] += torch.bincount(pixels, minlength=256)
    share = counts / counts.sum(1, keepdim=True)
    value = torch.arange(256, dtype=torch.float64) / 255
    mean = (share * value).sum(1)
    return mean, (share * (value - mean.unsqueeze(1)).square()).sum(1)


def _moments_of_floats(images: Tensor) -> tuple[Tensor, Tensor]:
    pixels = images.numel() // images.shape[1]
    mean = torch.stack([chunk.sum((0, 2, 3), dtype=torch.float64) for chunk in _chunks(images)]).sum(0) / pixels
    centre = mean.view(-1, 1, 1)
    return mean, torch.stack([(chunk - centre).square().sum((0, 2, 3)) for chunk in _chunks(images)]).sum(0) / pixels


def _chunks(images: Tensor) -> tuple[Tensor, ...]:
    return torch.tensor_split(images, list(range(_CHUNK, len(images), _CHUNK)))
