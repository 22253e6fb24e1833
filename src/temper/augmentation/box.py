"""Rectangles of a batch's images, each image's by itself."""

import torch
from torch import Tensor


def inside(top: Tensor, left: Tensor, high: Tensor, wide: Tensor, shape: torch.Size) -> Tensor:
    """Return which pixels of images shaped (n, c, h, w) lie in their box, (n, 1, h, w); its place is (n,)."""
    rows, columns = _stretch(top, high, shape[2]), _stretch(left, wide, shape[3])
    return (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)


def _stretch(start: Tensor, size: Tensor, length: int) -> Tensor:
    """Return which of ``length`` places lie in a stretch of ``size`` (n,) from ``start`` (n,): (n, length)."""
    place = torch.arange(length, device=start.device) - start.unsqueeze(1)
    return (place >= 0) & (place < size.unsqueeze(1))
