"""What mixing augmentations share: partners within a part of the batch, Beta shares, soft targets."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor


def draw_shares(alpha: float, count: int, generator: Generator) -> Tensor:
    """Return ``count`` draws of Beta(alpha, alpha), float32."""
    # torch draws no Beta from a generator; NumPy's also holds for an alpha near 0, where gamma ratios are 0/0.
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, count)).float()


def draw_ahead(parts: Sequence[int], generator: Generator) -> Tensor:
    """Return how many rows ahead each row's partner lies, (n,): a permutation of each part."""
    return torch.cat([torch.randperm(part, generator=generator) - torch.arange(part) for part in parts])


def partner_rows(ahead: Tensor) -> Tensor:
    """Return the rows of the partners that lie ``ahead``, (n,)."""
    return torch.arange(len(ahead), device=ahead.device) + ahead


def blend(values: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Return ``share`` (n,) of values (n, ...) and the rest of their partners'."""
    weight = share.to(values.dtype).view(-1, *[1] * (values.dim() - 1))
    return torch.lerp(values[partner], values, weight)
