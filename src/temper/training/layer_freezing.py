"""Blocks that stop learning on the way (progressive layer freezing: Brock et al., 2017, arXiv:1706.04983).

From its step on a block wants no gradient, and its norms go by what they remember; as nothing before it learns either,
the backward pass ends above it. Which blocks learn is a function of the step, and a resumed run needs no memory of it.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning as L
from lightning.pytorch.strategies import DDPStrategy

from temper.experiment import Experiment
from temper.network.layered import Block, Layered
from temper.network.statistics import hold_statistics
from temper.network.taking import names, parts
from temper.strategy import option
from temper.trainer.machine import data_parallel, on_cpu
from temper.training.supervised import Supervised


class Settling(L.Callback):
    """Lets each of ``blocks`` stay as it is from its step on.

    Attributes:
        learning: the blocks that still learn, each with its step.
        ends: the steps of all.
    """

    def __init__(self, blocks: list[tuple[Block, int]]) -> None:
        self.learning = blocks
        self.ends = tuple(step for _, step in blocks)
        self._weights = [
            [each for part in block for each in part.parameters() if each.requires_grad] for block, _ in blocks
        ]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands."""
        self._set(trainer.global_step)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Stop what is due."""
        self._set(trainer.global_step)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the blocks as the last step found them, also where that was taken before a kill."""
        self._set(trainer.global_step - 1)

    @contextmanager
    def as_at(self, step: int) -> Iterator[None]:
        """Let want a gradient what wanted one in ``step``, for those who count the work of a step that is over."""
        before = [(weight, weight.requires_grad) for weights in self._weights for weight in weights]
        try:
            for weights, ends in zip(self._weights, self.ends, strict=True):
                for weight in weights:
                    weight.requires_grad_(step < ends)
            yield
        finally:
            for weight, wanted in before:
                weight.requires_grad_(wanted)

    def _set(self, step: int) -> None:
        for block, ends in self.learning:
            for part in block if ends <= step else ():
                part.zero_grad(set_to_none=True)
                part.requires_grad_(False)
                hold_statistics(part)
        self.learning = [(block, ends) for block, ends in self.learning if ends > step]


def layer_freezing(
    experiment: Experiment, module: Supervised, machine: dict[str, Any]
) -> tuple[list[str], list[L.Callback]]:
    """Return what the reader must know of the blocks that stop learning, and the callbacks that stop them.

    Processes that exchange gradients are told, in ``machine``, that some will be missing.

    Raises:
        ValueError: the network's blocks do not fit the knobs, or none of them would ever stop.
    """
    network, total = module.network, module.facts.clock.total_steps
    assert isinstance(network, Layered)
    blocks = network.blocks()
    if experiment.debug.shortened_to is None:
        experiment.layer_freezing.check(module.facts.clock)
    ends = experiment.layer_freezing.ends(len(blocks), module.facts.clock)
    stopping = [(block, step) for block, step in zip(blocks, ends, strict=True) if step < total]
    chosen = option(experiment.layer_freezing)
    word = f"layer_freezing={chosen}"
    if not stopping:
        if chosen != "none" and experiment.debug.shortened_to is None:
            raise ValueError(
                f"{word} freezes its first block when the run's {total} steps are over: shorten"
                " layer_freezing.until, for example [50%], or choose layer_freezing=none"
            )
        return [], []
    if experiment.compile:  # each block that stops is a graph of its own, in training and in evaluation
        dynamo: Any = importlib.import_module("torch._dynamo.config")
        dynamo.recompile_limit = max(dynamo.recompile_limit, 8 + 2 * len(stopping))
    if isinstance(machine["strategy"], DDPStrategy):
        machine["strategy"] = data_parallel(not on_cpu(machine), some_stop=True)
    called = [" and ".join(names(network, block)) for block in parts(network)]
    told = [f"{name} from step {step}" for name, step in zip(called, ends, strict=False) if step < total]
    return [f"{word}: frozen are {', '.join(told)}"], [Settling(stopping)]
