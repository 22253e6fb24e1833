"""A run that is told to end (Ctrl-C, SIGTERM) ends after the step that it is at, with a checkpoint of it.

Several processes would first have to agree on the step: they end as `temper.training.partners` has it, and go on from
their last checkpoint.
"""

import signal
import sys
import threading
from typing import Any

import lightning as L
from lightning.pytorch.utilities.exceptions import SIGTERMException


def interrupted(fault: BaseException) -> bool:
    """Return whether ``fault`` is an interruption from the keyboard, for which Lightning leaves by status 1."""
    return isinstance(fault, KeyboardInterrupt) or isinstance(fault.__context__, KeyboardInterrupt)


class Leaving(L.Callback):
    """Notes that the run was told to end; `leave` ends it, once what it has learned is saved."""

    def __init__(self) -> None:
        self.told: int | None = None  # the signal
        self._listens = False

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take the place of Lightning's handler before it is put in: its own would end a validation in the midst."""
        if trainer.world_size == 1 and stage == "fit":
            trainer._signal_connector._sigterm_notifier_fn = self._note  # type: ignore[method-assign, assignment]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen to the keyboard, unless somebody else does or nobody is to."""
        here = threading.current_thread() is threading.main_thread()
        if trainer.world_size == 1 and here and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._listens = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the keyboard as it was."""
        self._listen_no_more()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Leave the keyboard as it was."""
        self._listen_no_more()

    def leave(self) -> None:
        """End the run if it was told to.

        Raises:
            KeyboardInterrupt: by Ctrl-C.
            SIGTERMException: by SIGTERM.
        """
        if self.told is not None:
            raise KeyboardInterrupt if self.told == signal.SIGINT else SIGTERMException

    def _note(self, number: int, _: Any) -> None:
        self.told = number
        if number == signal.SIGINT:
            self._listen_no_more()
            print("temper: ends after this step; Ctrl-C again: at once, and it is not saved", file=sys.stderr)

    def _listen_no_more(self) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._listens = False
