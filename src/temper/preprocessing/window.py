"""The square window about each pixel, as filters of images need it."""

from typing import Annotated

from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import functional as F


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"must be odd, so that the window has a middle: {size - 1} or {size + 1}")
    return size


WindowSize = Annotated[int, Field(ge=3, strict=True), AfterValidator(_odd)]  # pixels along one side


def check_window(name: str, size: int, inputs: Tensor, *, mirrors: bool = True) -> None:
    """Refuse inputs, for the filter called ``name``, that are no images or too small for a window of ``size``.

    One that ``mirrors`` reaches half a window beyond the border; another must fit into the image.

    Raises:
        ValueError: names the knob and its bound.
    """
    if inputs.dim() != 4:
        raise ValueError(f"{name} is for images, and this data is a table: choose preprocessing=[standardize]")
    side = min(inputs.shape[2:])
    most = 2 * side - 1 if mirrors else side  # a mirror shows what it stands before, and no more
    if size > most:
        raise ValueError(f"preprocessing.{name}.size={size} is too large for these images: at most {most}")


def mirrored(images: Tensor, size: int) -> Tensor:
    """Return images (n, c, h, w) with half a window of ``size`` more on each side, mirrored at the border's pixels."""
    return F.pad(images, [size // 2] * 4, mode="reflect")
