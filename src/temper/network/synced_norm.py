"""Batch norm over the examples of all processes (Zhang et al., 2018, arXiv:1803.08904, who call it synchronized).

    N = Σ_r n_r,  μ = Σ_r n_r μ_r / N                     over ranks r, of n_r numbers a channel each
    σ² = Σ_r (n_r σ_r² + n_r (μ_r - μ)²) / N              as one process would have it (Chan et al., 1979)
    y = γ (x - μ)/√(σ² + ε) + β

Two processes then take the steps of one, to rounding. Each layer waits for all processes, forward and backward: it
bites where a process's own share is too small for statistics of its own, some 16 examples and fewer.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.nn.functional import all_reduce
from torch.nn import functional as F

Network = TypeVar("Network", bound=nn.Module)


class SyncedBatchNorm(nn.BatchNorm2d):
    """A batch norm whose statistics in training are those of the batch of all processes.

    Attributes:
        alone: whether it goes by what this process sees, as where all see the same.
    """

    alone = False

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's own name for it
        """Return (n, c, h, w) normalised; in evaluation, and where there is one process, as batch norm does."""
        if not self.training or self.alone or not dist.is_initialized() or dist.get_world_size() == 1:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            values = input if input.dtype == torch.float64 else input.float()
            mean, variance, count = _of_all(values)
            self._remember(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
            scale = torch.rsqrt(variance + self.eps)
            shift = -mean * scale
            if self.affine:
                scale, shift = scale * self.weight, shift * self.weight + self.bias
            return torch.addcmul(_by_channel(shift), values, _by_channel(scale)).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        assert self.momentum is not None, "a plain mean is taken alone (temper.network.statistics)"
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)


def with_synced_norm(network: Network) -> Network:
    """Return ``network`` with a synchronized batch norm in the place of each of its batch norms."""
    for holder in list(network.modules()):
        for name, layer in list(holder.named_children()):
            if type(layer) is nn.BatchNorm2d:
                holder.add_module(name, SyncedBatchNorm(layer.num_features, layer.eps))
    return network


def _of_all(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean and the variance of each channel over all processes, (c,), and of how many numbers, ()."""
    variance, mean = torch.var_mean(values, dim=(0, 2, 3), correction=0)
    count = mean.new_full((1,), values.numel() / len(mean))
    told = torch.cat([mean, variance, count])
    # A row for each process, of which it fills its own: the sum is what all have told, and has a gradient.
    before, after = dist.get_rank(), dist.get_world_size() - dist.get_rank() - 1
    rows = all_reduce(F.pad(told.unsqueeze(0), (0, 0, before, after)))  # type: ignore[no-untyped-call]
    means, variances, counts = rows.split([len(mean), len(mean), 1], dim=1)
    total = counts.detach().sum()
    share = counts.detach() / total
    overall = (share * means).sum(0)
    return overall, (share * (variances + (means - overall).square())).sum(0), total


def _by_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)
