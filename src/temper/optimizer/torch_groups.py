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


def kernels(groups: Sequence[ParameterGroup]) -> dict[str, Any]:
    """Return which of torch's kernels for many parameters at once there are for these: none, ``fused`` or ``foreach``.

    One pass over memory, instead of several, for whole ones; several, but of all together, for those that lie in parts.
    """
    parameters = [parameter for group in groups for parameter in group.parameters]
    if any(isinstance(parameter, DTensor) for parameter in parameters):
        return {"foreach": True}
    return {"fused": all(each.device.type in _FUSED and each.is_floating_point() for each in parameters)}
