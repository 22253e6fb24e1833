"""Parameters that are treated alike, put together; and those that weight decay usually spares."""

from collections.abc import Callable

from torch import nn

from temper.facts import ParameterGroup

NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)


def spared(module: nn.Module) -> set[int]:
    """Return the ids of biases, of norms' parameters, and of whatever has fewer than two dimensions."""
    norms = {id(p) for layer in module.modules() if isinstance(layer, NORMS) for p in layer.parameters(False)}
    found = set()
    for name, parameter in module.named_parameters():
        # Attention calls its biases in_proj_bias and bias_k, recurrent layers bias_ih_l0.
        bias = "bias" in name.rpartition(".")[2].split("_")
        if bias or parameter.ndim < 2 or id(parameter) in norms:
            found.add(id(parameter))
    return found


def alike(module: nn.Module, treated: Callable[[nn.Parameter], tuple[float, float]]) -> list[ParameterGroup]:
    """Return a group for each (rate, decay) that ``treated`` gives to some parameter that learns, in their order."""
    groups: dict[tuple[float, float], dict[str, nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(treated(parameter), {})[name] = parameter
    return [
        ParameterGroup(names=tuple(named), parameters=tuple(named.values()), rate=rate, decay=decay)
        for (rate, decay), named in groups.items()
    ]
