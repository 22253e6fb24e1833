"""What a network answers to a set, batch after batch: to each example as it is, and in the mean over views of it."""

import torch
from torch import Tensor

from temper.data.batches import Batch
from temper.prediction import widened


class Answers:
    """The predictions of one set, in order, and its targets."""

    def __init__(self) -> None:
        self._predictions: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._means: list[Tensor] = []

    def add(self, prediction: Tensor, batch: Batch) -> None:
        """Take in the predictions (n,) or (n, k) of a batch; rows that do not count are left out."""
        size, view = batch.rows.size, batch.view
        seen = prediction[:size]
        if not view.moved:
            self._predictions.append(seen)
            self._targets.append(batch.targets[:size])
        if view.weight == 1:
            return
        weighed = view.weight * widened(seen)
        if view.moved:  # of the same rows as the batch before
            self._means[-1] = self._means[-1] + weighed
        else:
            self._means.append(weighed)

    @property
    def prediction(self) -> Tensor:
        """Return the predictions for the examples as they are, (n,) or (n, k)."""
        return torch.cat(self._predictions)

    @property
    def target(self) -> Tensor:
        """Return the targets, (n,)."""
        return torch.cat(self._targets)

    @property
    def mean(self) -> Tensor | None:
        """Return the predictions in the mean over views, as `prediction` is; None where there is but one view."""
        return torch.cat(self._means) if self._means else None


def gather(rows: Tensor) -> Tensor:
    """Return the rows of all ranks, one after the other; each rank may hold another number of them."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return rows
    world = torch.distributed.get_world_size()
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.zeros_like(count) for _ in range(world)]
    torch.distributed.all_gather(counts, count)
    most = int(max(counts))
    padded = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])])
    gathered = [torch.empty_like(padded) for _ in range(world)]
    torch.distributed.all_gather(gathered, padded.contiguous())
    return torch.cat([part[: int(size)] for part, size in zip(gathered, counts, strict=True)])
