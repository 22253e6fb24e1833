"""Patch whitening (Coates & Ng, 2012, "Learning Feature Representations with K-means", section 2.2).

Filters by which the small patches of images become uncorrelated, and of one variance:

    C = mean of (p - μ)(p - μ)ᵀ        p every k x k patch of every channel, as a vector of c·k·k; μ their mean
    C = V diag(λ) Vᵀ                    λ from the largest down
    wᵢ = vᵢ / √(λᵢ + ε)                 filter i: wᵢ·(p - μ) has variance λᵢ/(λᵢ + ε), and no two correlate
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

PATCHES_OF = 5_000  # images: some five million patches of CIFAR's, for a few hundred numbers
_AT_ONCE = 500


class Whitening(NamedTuple):
    """Filters (c·k·k, c, k, k), the largest variance first, and what is subtracted from their responses, (c·k·k,)."""

    filters: Tensor
    offsets: Tensor


def whitening(images: Tensor, size: int, eps: float) -> Whitening:
    """Return the whitening of the patches of ``size`` x ``size`` pixels in images (n, c, h, w), floats or uint8.

    Of many images, every so-manyth is looked at. A sign is free in each filter: its largest weight is positive.
    """
    images = images[:: -(-len(images) // PATCHES_OF)]
    images = images.float() / 255 if images.dtype == torch.uint8 else images
    width = images.shape[1] * size**2
    count, total, products = 0, torch.zeros(width).double(), torch.zeros(width, width).double()
    # Of about the mean's size, so that what is squared and taken away again loses no digits.
    centre = images[:_AT_ONCE].double().mean((0, 2, 3)).view(1, -1, 1, 1)
    for chunk in torch.split(images, _AT_ONCE):
        patches = F.unfold(chunk.double() - centre, size).transpose(1, 2).flatten(0, 1)
        count, total, products = count + len(patches), total + patches.sum(0), products + patches.T @ patches
    mean = total / count
    variances, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))
    filters = (vectors / (variances.clamp(min=0) + eps).sqrt()).T.flip(0)
    filters = filters * filters.gather(1, filters.abs().argmax(1, keepdim=True)).sign()
    whole_mean = mean + centre.expand(1, -1, size, size).flatten()
    return Whitening(filters.view(width, -1, size, size).float(), (filters @ whole_mean).float())
