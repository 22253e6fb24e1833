"""Leaving a run off after some of its epochs, under the schedule of all of them; it goes on as if it never had been."""

import lightning as L


class Pause(L.Callback):
    """Ends training for now.

    Args:
        after: epochs, the last of which is validated.
    """

    def __init__(self, after: int) -> None:
        self.after = after

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave off at once where an earlier start came so far, and was killed before it could say so."""
        self._look(trainer, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave off when so many epochs are done."""
        self._look(trainer, trainer.current_epoch + 1)

    def _look(self, trainer: L.Trainer, done: int) -> None:
        if done >= self.after:
            trainer.should_stop = True
