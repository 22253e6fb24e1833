"""One process on the CPU, also where there is a GPU."""

from typing import Any, Literal

from temper.quantity import Count
from temper.strategy import Trainer, strategy


@strategy
class CPU(Trainer):
    """One process on the CPU."""

    threads: Count | Literal["auto"]

    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer."""
        return {"accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto"}
