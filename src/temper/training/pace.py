"""After which epochs there is a validation: every so many, and after the last, or its weights could not be chosen."""

import lightning as L


class Pace(L.Callback):
    """Tells Lightning after which epochs to validate.

    Args:
        every: epochs from one validation to the next.
        epochs: of the run.
    """

    def __init__(self, every: int, epochs: int) -> None:
        self.every, self.epochs = every, epochs

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Tell it of the epoch in whose middle a run goes on: Lightning does not call that one's start again."""
        self._tell(trainer)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Tell it of this epoch."""
        self._tell(trainer)

    def _tell(self, trainer: L.Trainer) -> None:
        trainer.check_val_every_n_epoch = 1 if trainer.current_epoch >= self.epochs - 1 else self.every
