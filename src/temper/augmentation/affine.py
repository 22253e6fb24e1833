"""One affine sampling of a whole batch, each image by a matrix of its own.

    source = matrix · (x, y, 1)       where in the old image a pixel of the new one is looked up, (2,)
    image'[:, y, x] = image[source]   between pixels as ``mode`` says; black beyond the border

Coordinates are pixels counted from the image's centre, x to the right and y down: a row of 32 goes from -15.5 to 15.5.
The matrix is thus the inverse of what happens to the picture. Conventions are those of torchvision's affine.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def matrix(turn: Tensor, shrink: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Return matrices (n, 2, 3) that lead back from a turned, scaled and moved picture.

    All (n,): ``turn`` clockwise in degrees, ``shrink`` one over the scale, ``right`` and ``down`` pixels.
    """
    angle = torch.deg2rad(turn)
    cos, sin = angle.cos() * shrink, angle.sin() * shrink
    rows = [cos, sin, -(cos * right + sin * down), -sin, cos, sin * right - cos * down]
    return torch.stack(rows, 1).view(-1, 2, 3)


def resample(images: Tensor, matrix: Tensor, mode: Literal["bilinear", "nearest"] = "bilinear") -> Tensor:
    """Return images (n, c, h, w) looked up by ``matrix`` (n, 2, 3); uint8 comes back rounded to uint8."""
    _, _, height, width = images.shape
    x = torch.linspace((1 - width) / 2, (width - 1) / 2, width, device=images.device)
    y = torch.linspace((1 - height) / 2, (height - 1) / 2, height, device=images.device).unsqueeze(1)
    entry = matrix.view(-1, 6, 1, 1)
    # Not as a product of matrices, which a GPU may compute in fewer bits than a coordinate needs.
    across = (entry[:, 0] * x + entry[:, 1] * y + entry[:, 2]) / (width / 2)
    along = (entry[:, 3] * x + entry[:, 4] * y + entry[:, 5]) / (height / 2)
    values = images if images.is_floating_point() else images.float()
    grid = torch.stack([across, along], -1).to(values.dtype)
    sampled = F.grid_sample(values, grid, mode=mode, padding_mode="zeros", align_corners=False)
    return sampled if images.is_floating_point() else sampled.round_().to(images.dtype)
