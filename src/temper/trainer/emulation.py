"""Lightning's precision plugins for bf16 on a processor without instructions for it (`temper.bf16`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch._inductor.config
from lightning.pytorch.plugins.precision import HalfPrecision, MixedPrecision

from temper import bf16
from temper.trainer.machine import on_cpu

NOTE = (
    "this processor has no instructions for bf16: products are rounded to it, but take float32's time;"
    " precision=32-true is as fast"
)


class _Mixed(MixedPrecision):
    @contextmanager
    def forward_context(self) -> Iterator[None]:
        """Autocast, with products in float32 between roundings."""
        with super().forward_context(), bf16.Rounded():
            yield


class _True(HalfPrecision):
    @contextmanager
    def forward_context(self) -> Iterator[None]:
        """Take bf16 for the default type, with products in float32 between roundings."""
        with super().forward_context(), bf16.Rounded():
            yield


def emulated(precision: str, machine: Mapping[str, Any]) -> bool:
    """Return whether a run in ``precision`` needs it under the arguments ``machine`` of Lightning's Trainer."""
    return on_cpu(machine) and precision in ("bf16-mixed", "bf16-true") and not bf16.native()


def precision_arguments(precision: str, machine: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of Lightning's Trainer that say in which precision a run computes."""
    if not emulated(precision, machine):
        return {"precision": precision}
    # Compiled, a value that is rounded and widened again would be left as it was.
    torch._inductor.config.emulate_precision_casts = True
    return {"plugins": [_Mixed("bf16-mixed", "cpu") if precision == "bf16-mixed" else _True("bf16-true")]}
