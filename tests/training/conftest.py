"""What tests of blocks that wait or stop share: what is seen of a run, step by step."""

from collections.abc import Callable
from typing import Any

import lightning as L
import pytest
import torch
from torch import nn

from temper.command.job import Job
from temper.run import run


class Looking(L.Callback):
    """Keeps what is seen of each step.

    Attributes:
        states: of the network, before each step and after the last.
        graded: which gradients there are when the optimizer steps.
        followed: in each forward pass of training, whether each block's answer hangs on something that learns.
        fixed: the parameters that do not learn from the start.
    """

    def __init__(self) -> None:
        self.states: list[dict[str, torch.Tensor]] = []
        self.graded: list[set[str]] = []
        self.followed: list[list[bool]] = []
        self.fixed: set[str] = set()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to follow."""
        network: Any = pl_module.get_submodule("network")
        self.fixed = {name for name, weight in network.named_parameters() if not weight.requires_grad}
        for number, block in enumerate(network.blocks()):
            block[-1].register_forward_hook(lambda part, given, answer, n=number: self._follow(answer, n))

    def _follow(self, answer: torch.Tensor, number: int) -> None:
        if torch.is_grad_enabled():
            if number == 0:
                self.followed.append([])
            self.followed[-1].append(answer.requires_grad)

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        """Keep the state."""
        self._keep(pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the last state."""
        self._keep(pl_module)

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        """Note which gradients there are."""
        named = pl_module.get_submodule("network").named_parameters()
        self.graded.append({name for name, weight in named if weight.grad is not None})

    def _keep(self, module: nn.Module) -> None:
        self.states.append({k: v.clone() for k, v in module.get_submodule("network").state_dict().items()})


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Job], Looking]:
    """Return a function that runs a job and returns what was seen of each step."""

    def start(job: Job) -> Looking:
        looking = Looking()
        monkeypatch.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [looking])
        run(job)
        return looking

    return start
