"""What the quantizations share: from a step on, evaluation goes by whole numbers, as what is delivered does.

The arithmetic is that of `temper.network.int8`: weights of 8 bits, a scale for each output; inputs of 7 bits, a range
for each layer or example.
"""

from typing import Any, ClassVar

import lightning as L

from temper.network.int8 import Int8, kernels
from temper.network.layered import Layered
from temper.network.simulated import in_whole_numbers, layers_of, plain, simulated
from temper.quantity import Clock, OpenFraction, ProperFraction
from temper.strategy import Quantization, strategy


class Rounding(L.Callback):
    """Lets layers take the ranges of their inputs, and round in training too, once they are due.

    Args:
        start: the step from which they do.
        rounds: whether they round in training.
        option: whose it is, for checkpoints.
    """

    def __init__(self, start: int, rounds: bool, option: str) -> None:
        self.start, self.rounds, self.option = start, rounds, option
        self._begun = False

    @property
    def state_key(self) -> str:
        """Return the key of its state among those of callbacks."""
        return "quantization"

    def state_dict(self) -> dict[str, Any]:
        """Return whose ranges are in the checkpoint: the buffers of all options have the same names."""
        return {"of": self.option}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands; ranges of a run that began earlier than this one does are of no use."""
        if trainer.global_step < self.start:
            for layer in layers_of(pl_module.get_submodule("network")):
                layer.reset_running_stats()
        self._begin(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Begin when it is due."""
        self._begin(trainer, pl_module)

    def _begin(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if self._begun or trainer.global_step < self.start:
            return
        self._begun = True
        for layer in layers_of(module.get_submodule("network")):
            layer.track_running_stats, layer.rounds = True, self.rounds


@strategy
class Rounded(Quantization):
    """Layers of whole numbers from ``start`` on."""

    rounds: ClassVar[bool] = False  # whether training rounds too

    start: ProperFraction  # a step at least follows, in which layers see a batch

    def begins(self, clock: Clock) -> int:
        """Return ``start`` in steps."""
        return int(self.start * clock.total_steps)

    def settled(self, clock: Clock) -> int:
        """Return the step after which every layer has seen a batch."""
        return self.begins(clock) + 1

    def callback(self, clock: Clock, seed: int) -> L.Callback:
        """Return the callback that begins."""
        return Rounding(self.begins(clock), self.rounds, self._option)

    def plain(self, network: Layered) -> Layered:
        """Return a copy of ``network`` in floating point."""
        return plain(network)

    def delivered(self, network: Layered) -> Layered:
        """Return the network with layers of whole numbers."""
        return in_whole_numbers(network)

    @property
    def _option(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def outcome(self, network: Layered) -> str | None:
        """Return how many layers of a delivered ``network`` hold whole numbers, and what adds their products up."""
        name = f"quantization={self._option}"
        count = sum(isinstance(layer, Int8) for layer in network.modules())
        if not count:
            return f"{name}: the run ended before quantization.start={self.start}, and nothing is rounded"
        by_kernel = network.head.weight.device.type == "cpu" and kernels()
        exact = "" if by_kernel else "; torch has no exact kernels for them here: they take float32's time and more"
        return f"{name}: {count} layers hold whole numbers of 8 bits{exact}"


@strategy
class Watched(Rounded):
    """Layers whose inputs lie in a range that training has shown."""

    watches: ClassVar[bool] = True

    momentum: OpenFraction

    def prepared(self, network: Layered) -> Layered:
        """Return the network with layers that take the ranges of their inputs."""
        return simulated(network, of_each=False, momentum=self.momentum)
