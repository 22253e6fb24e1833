"""The loss of each training example when it was last learned from."""

from typing import Any

import torch
from torch import Tensor, distributed

_NOT_SEEN = float("-inf")  # below every loss, so that the largest over processes is that of the one that has seen it


class LatestLosses:
    """What an epoch finds out counts from the next one on, so that an epoch's order hangs on no place in it.

    Args:
        count: of training examples.
        device: that training computes on, which processes talk through.

    Attributes:
        losses: (count,), on the CPU; infinite of examples that were not seen yet.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self.losses = torch.full((count,), float("inf"))
        self._fresh = torch.full((count,), _NOT_SEEN, device=device)
        self._epoch = 0  # that ``_fresh`` is of

    def note(self, rows: Tensor, losses: Tensor) -> None:
        """Take in the ``losses`` (n,) of the examples ``rows`` (n,), both on the device that computed them."""
        if self._fresh.device != losses.device:
            self._fresh = self._fresh.to(losses.device)
        self._fresh.index_copy_(0, rows, losses.float())

    def turn(self, epoch: int) -> None:
        """Let what was noted count when ``epoch`` is a new one; every process asks at the same time."""
        if epoch == self._epoch:
            return
        fresh = self._agreed().cpu()
        self.losses = torch.where(fresh == _NOT_SEEN, self.losses, fresh)
        self._fresh.fill_(_NOT_SEEN)
        self._epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """Return both, and the epoch; every process asks at the same time."""
        return {"losses": self.losses, "fresh": self._agreed().cpu(), "epoch": self._epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.losses, self._epoch = state["losses"], state["epoch"]
        self._fresh = state["fresh"].to(self._fresh.device, copy=True)

    def _agreed(self) -> Tensor:
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(self._fresh, op=distributed.ReduceOp.MAX)
        return self._fresh
