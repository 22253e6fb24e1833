"""Images made smaller: bilinear, with the filter as wide as the images shrink, so that no fine pattern folds over."""

from torch import Tensor
from torch.nn import functional as F


def resized_shape(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the height and width of an image whose shorter side becomes ``side`` pixels, its proportions kept."""
    shorter = min(height, width)
    return max(side, round(height * side / shorter)), max(side, round(width * side / shorter))


def resized(images: Tensor, side: int) -> Tensor:
    """Return float images (n, c, h, w) with a shorter side of ``side`` pixels, their memory format kept."""
    height, width = images.shape[2:]
    size = resized_shape(height, width, side)
    if size == tuple(images.shape[2:]):
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)
