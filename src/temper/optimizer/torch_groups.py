"""How our parameter groups become those of torch.optim, and when its fused kernels may be used."""

from collections.abc import Collection, Sequence
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


def kernels(groups: Sequence[ParameterGroup], fused_on: Collection[str] = _FUSED) -> dict[str, Any]:
    """Return which of torch's kernels for many parameters at once there are for these: none, ``fused`` or ``foreach``.

    One pass over memory, instead of several, for whole ones on a device ``fused_on``; several, but of all together, for
    those that lie in parts, or on another device that torch fuses on.
    """
    parameters = [parameter for group in groups for parameter in group.parameters]
    if any(isinstance(parameter, DTensor) for parameter in parameters):
        return {"foreach": True}
    devices = {each.device.type for each in parameters}
    if not all(each.is_floating_point() for each in parameters) or not devices <= _FUSED:
        return {"fused": False}
    return {"fused": True} if devices <= set(fused_on) else {"foreach": True}
