"""Random crop with padding (Krizhevsky & Hinton, 2010; as in He et al., 2016, arXiv:1512.03385, section 4.2).

    padded = zeros of ``padding`` pixels on every side of the image; its mirror image, with ``border`` at reflect
    image = padded[:, top : top + height, left : left + width]    top, left uniform on 0..2·padding, one pair an image

A shift of up to ``padding`` pixels each way: the class stays, the pixels do not. It bites wherever small natural images
are overfitted (CIFAR: 4); not where the position of a thing is what is asked.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from temper.quantity import Count
from temper.strategy import Augmentation, strategy


@strategy
class Crop(Augmentation):
    """A shifted window, as large as the image, of the padded image."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    padding: Count
    border: Literal["reflect"] | None

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return the corner of each image's window in the padded image, ``top`` and ``left``, (n,)."""
        top, left = torch.randint(2 * self.padding + 1, (2, sum(parts)), generator=generator)
        return {"top": top, "left": left}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return windows of images (n, c, h, w), in the memory format that they came in, and the targets."""
        top, left, (height, width) = drawn["top"], drawn["left"], inputs.shape[2:]
        padded = F.pad(inputs, [self.padding] * 4) if self.border is None else reflected(inputs, self.padding)
        if inputs.is_contiguous(memory_format=torch.channels_last) and not inputs.is_contiguous():
            rows, channels = padded.permute(0, 2, 3, 1), inputs.shape[1]
            cropped = _windows(rows.flatten(2).unsqueeze(1), top, left * channels, height, width * channels)
            return cropped.view(len(inputs), height, width, channels).permute(0, 3, 1, 2), targets
        return _windows(padded, top, left, height, width), targets


def reflected(images: Tensor, padding: int) -> Tensor:
    """Return images (n, c, h, w) with ``padding`` more pixels on every side, mirrored at the pixels of the border."""
    for axis in (2, 3):
        size = images.shape[axis]
        way = torch.arange(-padding, size + padding, device=images.device) % max(1, 2 * size - 2)  # there and back
        images = images.index_select(axis, torch.minimum(way, 2 * size - 2 - way))
    return images


def _windows(padded: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """Return, of images (n, c, h, w), the windows (n, c, ``height``, ``width``) at ``top``, ``left``.

    Every row of every window is one run of memory in the batch, so a single gather of runs does all of it.
    """
    count, channels, rows, line = padded.shape
    padded, plane, device = padded.contiguous(), rows * line, padded.device
    corners = torch.arange(count, device=device) * (channels * plane) + top * line + left
    within = (torch.arange(channels, device=device) * plane).unsqueeze(1) + torch.arange(height, device=device) * line
    starts = corners.unsqueeze(1) + within.flatten()
    runs = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
    return runs.index_select(0, starts.flatten()).view(count, channels, height, width)
