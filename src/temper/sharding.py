"""Tensors of which each process of a run holds a part (torch's DTensor), and what is whole beside them."""

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

T = TypeVar("T")


def whole(value: T, kept: bool | None = None) -> T:
    """Return ``value``, a tensor or containers of any depth with tensors in them, with every tensor whole.

    What lies in parts is gathered, so that every process calls it for the same, in the same order. Where ``kept`` is
    given, one tensor at a time is whole on a device: it is moved to the CPU, or dropped if not ``kept``.
    """
    if isinstance(value, DTensor):
        gathered = value.full_tensor()
        return gathered if kept is None else gathered.cpu() if kept else None  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: whole(each, kept) for key, each in value.items()}  # type: ignore[return-value]
    if type(value) in (list, tuple):
        return type(value)(whole(each, kept) for each in value)  # type: ignore[call-arg, attr-defined]
    return value


def local(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return of each of ``tensors`` what this process holds, in the same memory: for what is done entry by entry."""
    return [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors]


def placed_like(value: Tensor, other: Tensor) -> Tensor:
    """Return ``value`` on the device of ``other``, and in parts where that one is, cut alike."""
    value = value.to(other.device)
    if isinstance(value, DTensor) or not isinstance(other, DTensor):
        return value
    # Each process holds the whole already: nothing is sent.
    return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)
