"""The weights that are evaluated and kept, where they are not those that are trained: averages of them.

Validation, test and every checkpoint see the averages, with batch-norm statistics of their own; a checkpoint keeps the
trained weights beside them, so that a run goes on as if nobody had looked.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from temper.network.statistics import recompute_statistics
from temper.sharding import placed_like
from temper.strategy import Optimizer, Remover
from temper.terms import Averager
from temper.training.supervised import Supervised

STATISTICS_EXAMPLES = 4096  # a mean over as many images leaves under two per cent of a deviation as noise
KEY = "trained_weights"  # of a checkpoint


class ShownWeights(L.Callback):
    """Puts averages in the place of the trained weights whenever these are looked at.

    Args:
        averager: of the run; None where the optimizer itself keeps the averages.
        optimizer: of the run.
        removers: of the run: averages hold what was removed since they began.
        resting: stops the clock that training is timed by.
    """

    def __init__(
        self,
        averager: Averager | None,
        optimizer: Optimizer,
        removers: Sequence[Remover],
        resting: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.averager, self.optimizer, self.removers, self.resting = averager, optimizer, removers, resting
        self._trained: dict[str, Tensor] | None = None  # while the averages are in their place
        self._made: tuple[int, dict[str, Tensor]] | None = None  # the step, and the network's state at it
        self._seen = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands."""
        self._seen = trainer.global_step

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take in the weights after each optimizer step."""
        assert isinstance(pl_module, Supervised)
        if self.averager is not None and trainer.global_step != self._seen:
            self._seen = trainer.global_step
            self.averager.update(pl_module.network, trainer.global_step)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Validate the averages."""
        if trainer.state.fn is TrainerFn.FITTING:
            with self.resting():
                self._put(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on with the trained weights."""
        self._take_back(pl_module)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the averages in place for the test."""
        pl_module.to(trainer.strategy.root_device)  # Lightning has left it on the CPU
        self._put(trainer, pl_module)
        self._trained = None

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Leave the trained weights in place."""
        self._take_back(pl_module)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep the averages where everyone looks for the weights, and the trained weights beside them."""
        with self._shown(trainer, pl_module):  # the clock rests while a checkpoint is written
            if self._trained is None:
                return
            averaged = {key: value.clone() for key, value in pl_module.state_dict().items()}
            checkpoint["state_dict"], checkpoint[KEY] = averaged, dict(self._trained)

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on training with the trained weights."""
        assert isinstance(pl_module, Supervised)
        if trainer.state.fn is TrainerFn.FITTING and KEY in checkpoint:
            pl_module.network.load_state_dict(checkpoint[KEY])

    def state_dict(self) -> dict[str, Any]:
        """Return the averager's state."""
        if self.averager is None:
            return {}
        return {"of": type(self.averager).__module__.rpartition(".")[2], **self.averager.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the averages of a checkpoint."""
        if self.averager is not None:
            self.averager.load_state_dict(state)

    @contextmanager
    def _shown(self, trainer: L.Trainer, module: L.LightningModule) -> Iterator[None]:
        already = self._trained is not None
        if not already:
            self._put(trainer, module)
        try:
            yield
        finally:
            if not already:
                self._take_back(module)

    def _averages(self, trainer: L.Trainer, module: Supervised) -> dict[str, Tensor] | None:
        if self.averager is not None:
            return self.averager.average()
        by_parameter = self.optimizer.shown(trainer.optimizers[0])
        if by_parameter is None:
            return None
        return {
            name: by_parameter[weight] for name, weight in module.network.named_parameters() if weight in by_parameter
        }

    @torch.no_grad()
    def _put(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        assert isinstance(module, Supervised)
        network, averages = module.network, self._averages(trainer, module)
        if averages is None:
            return
        self._trained = {key: value.clone() for key, value in network.state_dict().items()}
        if self._made is None or self._made[0] != trainer.global_step:
            for name, weight in network.named_parameters():
                if name in averages and weight.requires_grad:  # what has stopped learning keeps its statistics too
                    weight.copy_(placed_like(averages[name], weight))
            for remover in self.removers:
                remover.remove(network)
            batches: Any = trainer.datamodule  # type: ignore[attr-defined]
            inputs = (each.to(module.device) for each in batches.samples(STATISTICS_EXAMPLES))
            with trainer.precision_plugin.forward_context():
                recompute_statistics(network, inputs)
            state = {key: value.clone() for key, value in network.state_dict().items()}
            self._made = trainer.global_step, state
        else:
            network.load_state_dict(self._made[1])

    def _take_back(self, module: L.LightningModule) -> None:
        assert isinstance(module, Supervised)
        if self._trained is not None:
            module.network.load_state_dict(self._trained)
            self._trained = None
