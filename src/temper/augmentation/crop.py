"""Random crop with padding (Krizhevsky & Hinton, 2010; as in He et al., 2016, arXiv:1512.03385, section 4.2).

    padded = zeros of ``padding`` pixels on every side of the image
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
    """A shifted window, as large as the image, of the zero-padded image."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    padding: Count

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return the corner of each image's window in the padded image, ``top`` and ``left``, (n,)."""
        top, left = torch.randint(2 * self.padding + 1, (2, sum(parts)), generator=generator)
        return {"top": top, "left": left}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return windows of images (n, c, h, w), in the memory format that they came in, and the targets."""
        top, left = drawn["top"], drawn["left"]
        if inputs.is_contiguous(memory_format=torch.channels_last) and not inputs.is_contiguous():
            count, channels, height, width = inputs.shape
            rows = inputs.permute(0, 2, 3, 1).reshape(count, 1, height, width * channels)
            cropped = _windows(rows, top, left * channels, self.padding, self.padding * channels)
            return cropped.view(count, height, width, channels).permute(0, 3, 1, 2), targets
        return _windows(inputs, top, left, self.padding, self.padding), targets


def _windows(images: Tensor, top: Tensor, left: Tensor, above: int, beside: int) -> Tensor:
    """Return, of images (n, c, h, w) padded by ``above`` and ``beside``, the windows (n, c, h, w) at ``top``, ``left``.

    Every row of every window is one run of memory in the padded batch, so a single gather of runs does all of it.
    """
    count, channels, height, width = images.shape
    padded = F.pad(images, (beside, beside, above, above)).contiguous()
    line = width + 2 * beside
    plane = line * (height + 2 * above)
    device = images.device
    corners = torch.arange(count, device=device) * (channels * plane) + top * line + left
    within = (torch.arange(channels, device=device) * plane).unsqueeze(1) + torch.arange(height, device=device) * line
    starts = corners.unsqueeze(1) + within.flatten()
    runs = padded.as_strided((padded.numel() - width + 1, width), (1, 1))
    return runs.index_select(0, starts.flatten()).view(count, channels, height, width)
