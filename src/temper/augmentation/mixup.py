"""Mixup (Zhang et al., 2018, arXiv:1710.09412, eq. 1): train on points between two examples.

    x = share · x_i + (1 - share) · x_j    share ~ Beta(alpha, alpha), drawn for each example i
    y = share · y_i + (1 - share) · y_j    j its partner, by a permutation of the part of the batch that holds i

alpha = 1 mixes evenly; a small alpha leaves most examples nearly as they were. The share stays on the example itself
as it was drawn, not on the larger of the two. It bites in long runs of large networks: answers between the classes
grow linear, and confidence sinks.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from temper.quantity import Positive
from temper.strategy import Augmentation, strategy


@strategy
class Mixup(Augmentation):
    """Each example blended with another one, targets included."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "values"
    mixes: ClassVar[bool] = True
    images: ClassVar[bool] = False

    alpha: Positive

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each example's ``share`` of itself, (n,) float32, and how far ``ahead`` its partner lies, (n,)."""
        # torch draws no Beta from a generator; NumPy's also holds for an alpha near 0, where gamma ratios are 0/0.
        seed = int(torch.randint(2**63 - 1, (), generator=generator))
        share = np.random.default_rng(seed).beta(self.alpha, self.alpha, sum(parts))
        ahead = torch.cat([torch.randperm(part, generator=generator) - torch.arange(part) for part in parts])
        return {"share": torch.from_numpy(share).float(), "ahead": ahead}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return blends of inputs (n, ...) and of soft targets (n, k) or (n,), which lie in one part."""
        ahead, share = drawn["ahead"], drawn["share"]
        partner = torch.arange(len(ahead), device=ahead.device) + ahead
        return _blend(inputs, partner, share), _blend(targets, partner, share)


def _blend(values: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    weight = share.to(values.dtype).view(-1, *[1] * (values.dim() - 1))
    return torch.lerp(values[partner], values, weight)
