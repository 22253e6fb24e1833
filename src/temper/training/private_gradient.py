"""The gradient of a private run: a noisy one takes the place of the true one before anybody sees it."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn

from temper.data.batches import Batch
from temper.data.epoch_loader import Rows
from temper.terms import Privatizer
from temper.training.supervised import Supervised

KEY = "privacy"  # of a checkpoint


class PrivateGradient(L.Callback):
    """Hands each example's gradient to ``privatizer``, and what was spent to the checkpoint."""

    def __init__(self, privatizer: Privatizer) -> None:
        self.privatizer = privatizer
        self._rows: Rows | None = None  # of the micro-batch that is being learned from

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to look at examples one by one."""
        self.privatizer.enter()

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the network as it was found."""
        self.privatizer.leave()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Note which examples come."""
        self._rows = batch.rows

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take in the micro-batch; after a step's last one, give out its gradient."""
        assert isinstance(pl_module, Supervised)
        assert self._rows is not None
        rows, accumulate = self._rows, trainer.accumulate_grad_batches
        # What the mean, the share and Lightning's division by ``accumulate`` have made smaller.
        scale = sum(rows.parts) * accumulate / len(rows.parts)
        self.privatizer.take(scale if rows.share else 0.0)
        if (rows.number + 1) % accumulate == 0:
            self.privatizer.release(trainer.global_step)
            _add_penalties(pl_module)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep what was spent."""
        checkpoint[KEY] = self.privatizer.state_dict()

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Go on with what was spent; to test the best weights takes nothing back."""
        if trainer.state.fn is TrainerFn.FITTING:
            self.privatizer.load_state_dict(checkpoint[KEY])


def _add_penalties(module: Supervised) -> None:
    """Add to each gradient that of the penalties: they were lost with the true gradient."""
    named = dict(module.network.named_parameters())
    values = [penalty(named) for penalty in module.ingredients.penalties.values()]
    if not values:
        return
    weights = [weight for weight in named.values() if weight.grad is not None]
    for weight, own in zip(
        weights, torch.autograd.grad(torch.stack(values).sum(), weights, allow_unused=True), strict=True
    ):
        if own is not None and weight.grad is not None:
            weight.grad.add_(own)
