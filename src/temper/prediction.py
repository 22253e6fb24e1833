"""What losses and distillations share: how wide numbers are, and which outputs fit which data."""

import torch
from torch import Tensor

from temper.facts import Kind


def widened(values: Tensor) -> Tensor:
    """Return ``values`` in float32, or in float64 if they come so: sums of bfloat16 logits lose too much."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def probabilities(outputs: Tensor, kind: Kind) -> Tensor:
    """Return the probability of each class (n, classes) for outputs (n, classes), or (n,) where they are ``binary``."""
    if kind == "binary":
        outputs = torch.stack([torch.zeros_like(outputs), outputs], dim=1)  # their softmax is the sigmoid
    return outputs.softmax(dim=1)


def expectation(values: Tensor, target: Tensor) -> Tensor:
    """Return ``values`` (n, k) at classes ``target`` (n,), or averaged over ``target`` (n, k): (n,)."""
    if target.dim() == 1:
        return values.gather(1, target.unsqueeze(1)).squeeze(1)
    return (values * target.to(values.dtype)).sum(1)


def squared_kind(name: str, classes: int) -> Kind:
    """Return what one output means under the squared error called ``name``.

    Raises:
        ValueError: ``classes`` do not fit one output.
    """
    if classes == 0:
        return "regression"
    if classes == 2:
        return "binary"
    raise ValueError(
        f"{name} is for a regression or one sigmoid output (2 classes), and this data has {counted(classes)}: "
        "choose loss=cross_entropy, label_smoothing or hinge"
    )


def squared_error(prediction: Tensor, target: Tensor, kind: Kind) -> Tensor:
    """Return the squared error of values, or under ``binary`` of a sigmoid unit, (n,)."""
    prediction = widened(prediction)
    answer = prediction.sigmoid() if kind == "binary" else prediction
    return (answer - target.to(answer.dtype)).square()


def class_kind(name: str, classes: int) -> Kind:
    """Return what outputs mean under the loss ``name``, which wants one logit a class.

    Raises:
        ValueError: there are fewer than two classes to tell apart.
    """
    if classes >= 2:
        return "multiclass"
    hint = ", and preprocessing.standardize.target=true where its values are far from 1 in size" * (classes == 0)
    raise ValueError(
        f"{name} is for 2 classes or more, and this data has {counted(classes)}: choose loss=mse or half_mse{hint}"
    )


def counted(classes: int) -> str:
    """Return ``classes`` in words."""
    if classes == 0:
        return "none (a regression)"
    return "1 class" if classes == 1 else f"{classes} classes"
