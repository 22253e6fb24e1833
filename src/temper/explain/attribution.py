"""Where a network looks: Grad-CAM on feature maps, and gradient times input on anything.

Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391, equations 1 and 2), for a class c and a layer's maps A:

    α_k = 1/Z Σ_ij ∂y_c/∂A_k,ij      how much map k speaks for the class: the mean over its Z positions
    L = relu(Σ_k α_k A_k)            what speaks for it, position by position; what speaks against it is left out

Gradient times input (Shrikumar et al., 2016, arXiv:1605.01713), feature by feature:

    x_i ∂y_c/∂x_i                    what the feature adds to the score; of a linear model exactly

y_c is the score of the class before softmax or sigmoid; where two classes share one logit, y_0 = -y_1. A regression has
one score, its value. Grad-CAM bites on convolutions, whose maps say where; its map is as coarse as theirs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from temper.facts import Kind
from temper.network.layered import Layered
from temper.network.tapped import feature_shapes, layer_name, tap


def scores(outputs: Tensor, classes: Tensor, kind: Kind) -> Tensor:
    """Return the score (n,) that outputs (n,) or (n, k) give to ``classes`` (n,); a regression's is its value."""
    if kind == "multiclass":
        return outputs.gather(1, classes.unsqueeze(1)).squeeze(1)
    return torch.where(classes == 0, -outputs, outputs) if kind == "binary" else outputs


def grad_cam(network: nn.Module, layer: str, inputs: Tensor, classes: Tensor, kind: Kind) -> Tensor:
    """Return the map (n, h, w) of each of ``inputs`` for its class of ``classes`` (n,), as large as the layer's maps.

    ``network`` is in eval mode, so that no example hangs on another.
    """
    features: dict[str, Tensor] = {}
    (handle,) = tap(network, [layer], features)
    try:
        with torch.enable_grad():
            total = scores(network(inputs.clone().requires_grad_()), classes, kind).sum()
            maps = features[layer]
            (gradient,) = torch.autograd.grad(total, maps)
    finally:
        handle.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return F.relu((weights * maps).sum(1)).detach()


def gradient_times_input(network: nn.Module, inputs: Tensor, classes: Tensor, kind: Kind) -> Tensor:
    """Return what each number of ``inputs`` (n, ...) adds to the score of its class of ``classes`` (n,), as shaped."""
    with torch.enable_grad():
        watched = inputs.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(scores(network(watched), classes, kind).sum(), watched)
    return (gradient * inputs).detach()


def layer_with_maps(network: Layered, shape: Sequence[int], name: str | None) -> str | None:
    """Return the layer whose maps are looked at: ``name``, or the last before they are pooled; None: there is none.

    Args:
        network: takes inputs of ``shape``.
        shape: without that of the batch.
        name: of a layer; None looks from the head back for maps of more than one position.

    Raises:
        ValueError: the layer called ``name`` is not there, or puts out no maps; says which would do.
    """
    if name is not None:
        layer_name(network, name)
    last = _last(network, shape)
    if name is None:
        return last
    if last is None:
        raise ValueError("no layer of this network puts out feature maps of more than one position: leave it away")
    (found,) = feature_shapes(network, [name], shape)
    if len(found) != 3:
        raise ValueError(
            f"it puts out the shape {found}, and Grad-CAM is of feature maps (channels, height, width): name a layer"
            f" before it, such as {last}"
        )
    return name


def _last(network: Layered, shape: Sequence[int]) -> str | None:
    known = {layer: name for name, layer in network.named_modules()}
    names = [known[block[-1]] for block in reversed(network.blocks())]
    sizes = dict(zip(names, feature_shapes(network, names, shape), strict=True))
    return next((name for name, size in sizes.items() if len(size) == 3 and size[1] * size[2] > 1), None)
