"""What the layers of a network put out, by their names in it: what can be learned from its inside."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from temper.network.layered import Layered
from temper.network.layers import dtype_of
from temper.refusal import nearest


def tap(network: nn.Module, names: Iterable[str], features: dict[str, Tensor]) -> list[RemovableHandle]:
    """Put what the layers ``names`` of ``network`` put out into ``features``, in each pass from now on.

    Returns:
        what undoes it.
    """

    def listener(name: str) -> Any:
        def hook(layer: nn.Module, inputs: Any, output: Tensor) -> None:
            features[name] = output

        return hook

    return [network.get_submodule(name).register_forward_hook(listener(name)) for name in dict.fromkeys(names)]


def layer_name(network: nn.Module, name: str | None) -> str:
    """Return ``name``, or the name of the last layer before the head where it is None.

    Raises:
        ValueError: there is no such layer; says which one is nearest.
    """
    known: dict[str, nn.Module] = {name: layer for name, layer in network.named_modules() if name}
    if name is None:
        blocks = network.blocks() if isinstance(network, Layered) else []
        if not blocks:
            raise ValueError("the network is its head alone, and there is no layer before it: name head")
        last = blocks[-1][-1]
        return next(name for name, layer in known.items() if layer is last)
    if name not in known:
        raise ValueError(f"the network has no layer of that name; {nearest(name, known)}")
    return name


@torch.no_grad()
def feature_shapes(network: nn.Module, names: Sequence[str], shape: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the shape, without that of the batch, of what each layer of ``names`` puts out for inputs of ``shape``.

    The network is left as it was.

    Raises:
        ValueError: a layer is never run, only its parts are.
    """
    features: dict[str, Tensor] = {}
    handles, training = tap(network, names, features), network.training
    device = next(network.parameters()).device
    try:
        with torch.compiler.set_stance("force_eager"):
            network.eval()(torch.zeros(1, *shape, dtype=dtype_of(network), device=device))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    for name in names:
        if name not in features:
            inner = [f"{name}.{child}" for child, _ in network.get_submodule(name).named_children()]
            raise ValueError(f"layer {name} only holds others, and puts nothing out itself: name one of {inner[:6]}")
    return [tuple(features[name].shape[1:]) for name in names]
