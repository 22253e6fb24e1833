"""No transfer: a run is as it would be without the axis."""

from collections.abc import Callable
from typing import Any

import torch

from temper.quantity import Clock
from temper.transfer.none import NoTransfer


def test_takes_nothing_and_freezes_nothing(started: Callable[..., Any]) -> None:
    module, notes, callbacks = started()
    assert (notes, callbacks) == ([], [])
    assert all(weight.requires_grad for weight in module.network.parameters())
    assert NoTransfer().begins(3, Clock((0, 10))) == [0, 0, 0]
    assert (NoTransfer().source, NoTransfer().freezes) == (None, False)
    torch.manual_seed(0)
    assert torch.equal(started()[0].network.head.weight, module.network.head.weight)
