"""bf16 products on a processor without instructions for them: the same rounding, at float32's speed.

x, w ← round(x), round(w)     to bf16, what enters a matrix product or a convolution
y ← round(x · w)              products and sums in float32, as units for bf16 make them; then bf16 again

The backward pass rounds at the same places. Only the order of a sum differs from that of torch's own kernels, which
convert value by value on such a processor: most laptops, and servers before AVX-512. Forward and backward of a
ResNet-20 on two threads of an AMD EPYC of that kind: 25 images/s by those kernels, 290 so, 298 in float32.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_PRODUCTS = {F.conv1d, F.conv2d, F.conv3d, F.linear, torch.bmm, torch.baddbmm, torch.mm, torch.addmm, torch.matmul}


@cache
def native() -> bool:
    """Return whether torch has kernels of its own for bf16 on this processor."""
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available and torch.ops.mkldnn._is_mkldnn_bf16_supported())


class Rounded(TorchFunctionMode):
    """Within it, products that torch would take in bf16 on the CPU are taken in float32, between roundings."""

    _entered = 0

    def __enter__(self) -> Self:
        Rounded._entered += 1
        return super().__enter__()  # type: ignore[no-any-return, no-untyped-call]

    def __exit__(self, *fault: object) -> None:
        Rounded._entered -= 1
        super().__exit__(*fault)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return ``func`` of the arguments."""
        named = dict(kwargs or {})
        if func not in _PRODUCTS or not _in_bf16([value for value in (*args, *named.values()) if _is_tensor(value)]):
            return func(*args, **named)
        with torch.autocast("cpu", enabled=False):
            values = {name: _rounded(value) for name, value in named.items()}
            return func(*map(_rounded, args), **values).bfloat16()


def rounded(device: torch.device) -> AbstractContextManager[Any]:
    """Return the context to take products in on ``device``."""
    return nullcontext() if native() or device.type != "cpu" else Rounded()


def within() -> Callable[[], AbstractContextManager[Any]]:
    """Return what makes a context in which products are taken as they are here, for what is run again later."""
    return Rounded if Rounded._entered else nullcontext


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _in_bf16(values: Sequence[Tensor]) -> bool:
    kinds = {value.dtype for value in values}
    if kinds == {torch.bfloat16}:
        return True
    cast = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return cast and kinds <= {torch.float32, torch.bfloat16}


def _rounded(value: Any) -> Any:
    return value.bfloat16().float() if _is_tensor(value) else value
