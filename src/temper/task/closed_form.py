"""Solutions without gradient descent: least squares, and logistic regression by Newton's method.

Sources: Gauss (1809); Nelder and Wedderburn (1972), "Generalized Linear Models", J. R. Stat. Soc. A 135 (iterated,
weighted least squares).

    least squares    Xᵀ X θ = Xᵀ y                 X the inputs with a column of ones, θ the weights and the intercept
    logistic         p = 1 / (1 + exp(-X θ))       the chance of class 1
                     W = diag p(1 - p)             how much each example's chance moves with its logit
                     Xᵀ W X δ = Xᵀ (y - p)         one Newton step on the log-likelihood,
    θ ← θ + δ / 2ʲ                                 halved j times until the likelihood does not fall

Everything is float64. Where columns depend on each other many θ fit alike, and the shortest is given: gradient descent
from zero stays in the span of the examples and ends there too.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from temper.facts import Examples, Kind
from temper.report.solution import Solution

STEPS = 30  # of Newton's method; a solution that exists is found in a dozen, logits up to 30 are still told apart
HALVINGS = 30
ROUNDING = 1e-12  # of a cost, relative: close to the solution a good step must not fail for the last digit's sake
SETTLED = 1e-9  # largest change of any logit in a step that counts as no change


class Fit(NamedTuple):
    """Weights (features,) and an intercept, and whether no other choice fits as well."""

    weights: Tensor
    intercept: float
    unique: bool


def least_squares(inputs: Tensor, targets: Tensor) -> Fit:
    """Return the line of least squared error through inputs (n, features) and targets (n,)."""
    solved, rank = _solve(_with_ones(inputs), targets.detach().double().cpu())
    return Fit(solved[:-1], solved[-1].item(), rank == len(solved))


def logistic_newton(inputs: Tensor, targets: Tensor) -> Fit | None:
    """Return the unit of greatest likelihood for inputs (n, features) and targets (n,) in [0, 1].

    None where no unit is best: where a line separates the classes, steeper is always likelier.
    """
    rows, targets = _with_ones(inputs), targets.detach().double().cpu()
    _, rank = _solve(rows, targets)
    fitted = rows.new_zeros(rows.shape[1])
    for _ in range(STEPS):
        logits = rows @ fitted
        scale = ((F.logsigmoid(logits) + F.logsigmoid(-logits)) / 2).exp().clamp(min=1e-150)  # √W, and never 0
        short = targets * (-logits).sigmoid() - (1 - targets) * logits.sigmoid()  # y - p where p is almost 1, too
        step, told_apart = _solve(rows * scale.unsqueeze(1), short / scale)
        if told_apart < rank:  # along some direction every example is sure by now, and would be surer still
            return None
        if (rows @ step).abs().max() < SETTLED:
            return Fit(fitted[:-1], fitted[-1].item(), rank == rows.shape[1])
        before = _cost(logits, targets) * (1 + ROUNDING)
        for _ in range(HALVINGS):
            if _cost(rows @ (fitted + step), targets) <= before:
                break
            step = step / 2
        fitted = fitted + step
    return None


def compare(head: nn.Linear, train: Examples, kind: Kind) -> Solution:
    """Return what the one layer ``head`` learned on ``train`` beside the solution for its ``kind`` of target.

    Inputs are flattened to rows. A regression is held against least squares, two classes against maximum likelihood;
    both leave penalties and the run's own loss aside.
    """
    inputs = train.inputs.flatten(1)
    if kind == "regression":
        fit, method = least_squares(inputs, train.targets), "least squares"
    else:
        found = logistic_newton(inputs, train.targets)
        if found is None:
            note = "solution: a line separates the classes, so no finite weights are likeliest: nothing to compare with"
            return Solution({}, (note,))
        fit, method = found, "maximum likelihood, by Newton's method"
    learned = [*head.weight.detach().double().flatten().tolist(), head.bias.item()]
    names = [*(f"w[{index}]" for index in range(inputs.shape[1])), "bias"]
    reference = [*fit.weights.tolist(), fit.intercept]
    notes = [f"solution: the reference is {method}, on the training set"]
    if not fit.unique:
        notes.append(
            "solution: the inputs depend on each other and many weights fit alike: the reference is the shortest, which"
            " is reached from initialization=zeros alone"
        )
    return Solution(dict(zip(names, zip(learned, reference, strict=True), strict=True)), tuple(notes))


def _with_ones(inputs: Tensor) -> Tensor:
    return F.pad(inputs.detach().double().cpu(), (0, 1), value=1.0)


def _solve(rows: Tensor, targets: Tensor) -> tuple[Tensor, int]:
    """Return the shortest solution (columns,) of least squares, and the rank of ``rows``."""
    solved = torch.linalg.lstsq(rows, targets.unsqueeze(1), driver="gelsd")
    return solved.solution.squeeze(1), int(solved.rank)


def _cost(logits: Tensor, targets: Tensor) -> float:
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="sum").item()
