"""One or more GPUs of this machine; with more than one, each holds a copy of the network (data parallel)."""

from typing import Any, Literal

from pydantic import model_validator

from temper.quantity import Count, NonNegativeCount
from temper.strategy import Trainer, strategy
from temper.trainer.machine import data_parallel, gpus


@strategy
class GPU(Trainer):
    """GPUs by number, by index, or all of them (``auto``)."""

    devices: Count | tuple[NonNegativeCount, ...] | Literal["auto"]
    threads: Count | Literal["auto"]

    @model_validator(mode="after")
    def _distinct(self) -> "GPU":
        if isinstance(self.devices, tuple) and len(set(self.devices)) != max(1, len(self.devices)):
            raise ValueError("trainer.devices names each GPU once and at least one, such as [0,2]; or give a number")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer.

        Raises:
            ValueError: this machine has no GPU, or not all that were asked for.
        """
        here = gpus()
        if here == 0:
            raise ValueError("trainer=gpu: this machine has no GPU that torch can use: trainer=auto or trainer=cpu")
        asked = here if self.devices == "auto" else self.devices
        highest = max(asked) + 1 if isinstance(asked, tuple) else asked
        if highest > here:
            raise ValueError(
                f"trainer.devices={list(asked) if isinstance(asked, tuple) else asked}: this machine has {here} "
                f"{'GPU' if here == 1 else 'GPUs'} that torch can use, counted from 0: trainer.devices=auto for all"
            )
        several = (len(asked) if isinstance(asked, tuple) else asked) > 1
        return {
            "accelerator": "gpu",
            "devices": list(asked) if isinstance(asked, tuple) else asked,
            "num_nodes": 1,
            "strategy": data_parallel(on_gpu=True) if several else "auto",
        }
