"""A step of the optimizers that are ours, or around another, reads nothing back from the device."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from temper.experiment import make
from temper.facts import ParameterGroup
from temper.recipes import filled

OURS = ("muon", "sam", "lookahead", "schedule_free_sgd", "schedule_free_adamw")


class NothingRead(TorchDispatchMode):
    """Raises where a value leaves a tensor: on a GPU the program would wait for it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            raise AssertionError(f"{func} waits for the device")
        return func(*args, **(kwargs or {}))


def test_a_value_that_is_read_is_found() -> None:
    with NothingRead(), pytest.raises(AssertionError, match="waits"):
        float(torch.ones(()))


@pytest.mark.parametrize(
    ("name", "changed"),
    [*((name, {}) for name in OURS), ("muon", {"normalize": True}), ("sam", {"adaptive": True})],
    ids=str,
)
def test_reads_nothing(name: str, changed: dict[str, Any]) -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))
    named = dict(net.named_parameters())
    groups = [ParameterGroup(names=tuple(named), parameters=tuple(named.values()))]
    optimizer = make(filled("optimizer", name) | changed, "optimizer").build(groups)
    images = torch.randn(4, 1, 4, 4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = net(images).square().mean()
        loss.backward()
        return loss

    with NothingRead():
        for _ in range(6):
            optimizer.step(closure)
