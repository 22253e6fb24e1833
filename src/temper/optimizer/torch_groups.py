"""How our parameter groups become those of torch.optim, and when its fused kernels may be used."""

from collections.abc import Sequence
from typing import Any

from torch.distributed.tensor import DTensor

from temper.facts import ParameterGroup

_FUSED = {"cpu", "cuda"}


def torch_groups(groups: Sequence[ParameterGroup], lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Return torch's dictionaries for ``groups``: named parameters, each group with its own rate and decay."""
    return [
        {
            "params": list(zip(group.names, group.parameters, strict=True)),
            "lr": lr * group.rate,
            "weight_decay": weight_decay * group.decay,
        }
        for group in groups
    ]


def fusible(groups: Sequence[ParameterGroup]) -> bool:
    """Return whether torch has fused kernels for all parameters, whole ones: one pass over memory, not several."""
    return all(
        parameter.device.type in _FUSED and parameter.is_floating_point() and not isinstance(parameter, DTensor)
        for group in groups
        for parameter in group.parameters
    )
