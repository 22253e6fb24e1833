"""One device, the best that is here: a GPU if there is one, otherwise the CPU (Lightning's ``accelerator="auto"``).

Any other accelerator that Lightning knows can be named instead, such as ``mps`` or ``tpu``.
"""

from typing import Any, Literal

from lightning.pytorch.accelerators import AcceleratorRegistry
from pydantic import model_validator

from temper.quantity import Count
from temper.strategy import Trainer, strategy
from temper.trainer.machine import gpus


@strategy
class Auto(Trainer):
    """One device of the kind ``accelerator``."""

    accelerator: str
    threads: Count | Literal["auto"]

    @model_validator(mode="after")
    def _known(self) -> "Auto":
        known = ["auto", "gpu", *AcceleratorRegistry.available_accelerators()]
        if self.accelerator not in known:
            raise ValueError(f"trainer.accelerator={self.accelerator} is not one of {', '.join(sorted(known))}")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer.

        Raises:
            ValueError: an accelerator was named that this machine lacks.
        """
        if not self._here():
            raise ValueError(
                f"trainer.accelerator={self.accelerator}: this machine has none that torch can use: "
                "trainer.accelerator=auto or trainer=cpu"
            )
        return {"accelerator": self.accelerator, "devices": 1, "num_nodes": 1, "strategy": "auto"}

    def _here(self) -> bool:
        if self.accelerator == "auto":
            return True
        if self.accelerator == "gpu":
            return gpus() > 0
        return bool(AcceleratorRegistry.get(self.accelerator).is_available())
