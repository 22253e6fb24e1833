"""What options of this axis share of their knobs: whom they learn from, and which layers of the two are compared."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from torch import nn

from temper.network.tapped import feature_shapes, layer_name

Shape = tuple[int, ...]


def _named(teacher: Any) -> Any:
    if teacher is None or (isinstance(teacher, str) and not teacher.strip()):
        raise ValueError(
            "a distillation needs a teacher, a run's folder, a checkpoint in one, or a recipe whose run there is:"
            " distillation.NAME.teacher=RUN"
        )
    return teacher


Taught = Annotated[str, BeforeValidator(_named)]
Layer = Annotated[str, Field(min_length=1)]


def found(network: nn.Module, layers: Sequence[str | None], key: str) -> tuple[str, ...]:
    """Return the names of ``layers`` in ``network``; None is the last before the head.

    Raises:
        ValueError: there is no such layer; names the knob ``key`` and the nearest layer.
    """
    names = []
    for layer in layers:
        try:
            names.append(layer_name(network, layer))
        except ValueError as fault:
            raise ValueError(f"{key}={layer or 'null'}: {fault}") from None
    return tuple(names)


def shapes(network: nn.Module, names: Sequence[str], sizes: Iterable[Shape], key: str) -> list[list[Shape]]:
    """Return the shapes of the features of the layers ``names``, for inputs of each of ``sizes``.

    Raises:
        ValueError: a layer puts nothing out; names the knob ``key``.
    """
    try:
        return [feature_shapes(network, names, size) for size in sizes]
    except ValueError as fault:
        raise ValueError(f"{key}: {fault}") from None
