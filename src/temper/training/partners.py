"""The processes of one run, as one of them sees the others end.

Before each step the first tells the others whether it was told to end (SIGTERM), and all end after the same one.
Lightning's handler sends a message of its own besides, at whatever step each process is: it comes out of order among
those of the steps, and then the processes wait for one another without end. And Lightning's watch over the processes
that it has started kills all with -9 once one has ended, this one too, which has yet to tell why and to save.
"""

import signal

import lightning as L
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher
from lightning.pytorch.utilities.exceptions import SIGTERMException

# What gloo and NCCL say where the other end of a connection is gone.
_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process exited")


def lost(fault: BaseException) -> bool:
    """Return whether ``fault`` is that another process of the run has ended in the midst of an exchange."""
    return isinstance(fault, RuntimeError) and any(said in str(fault) for said in _GONE)


class Partners(L.Callback):
    """Lets a run of several processes end in all of them."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take the place of Lightning's handler before it is put in."""
        connector = trainer._signal_connector

        def note(*_: object) -> None:
            connector.received_sigterm = True

        connector._sigterm_notifier_fn = note  # type: ignore[method-assign, assignment]

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """End the watch where all are about to end; where one is lost, the others may wait for it: kill them."""
        launcher = trainer.strategy.launcher
        if not isinstance(launcher, _SubprocessScriptLauncher):  # who was started from outside has none
            return
        if lost(exception):
            launcher.kill(signal.SIGKILL)
        if lost(exception) or isinstance(exception, SIGTERMException):
            launcher.procs.clear()  # the very list that is watched
