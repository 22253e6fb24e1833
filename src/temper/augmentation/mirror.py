"""Some images of a batch with left and right exchanged."""

from torch import Tensor


def mirror(images: Tensor, flipped: Tensor) -> Tensor:
    """Return images (n, c, h, w), those mirrored where ``flipped`` (n,) is true; the memory format stays."""
    rows = flipped.nonzero().squeeze(1)
    return images.clone().index_copy_(0, rows, images.index_select(0, rows).flip(-1))
