"""Newton-Schulz iteration to the nearest orthogonal matrix (Jordan et al., 2024, kellerjordan.github.io/posts/muon).

X ← M/(‖M‖ + 1e-7)                     Frobenius norm: no singular value is above 1
X ← aX + b(XXᵀ)X + c(XXᵀ)²X            acts on the singular values alone: s ← as + bs³ + cs⁵

With a, b, c = 3.4445, -4.7750, 2.0315 small values grow by a each time, and five rounds take those above about 0.003
into [0.68, 1.21], nearly all below 1.14; they never settle at 1, which does no harm. The iteration runs in bfloat16, as
its author's does, and is then true to some hundredths; under float64 it runs in float64, so that runs can be held
against each other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from temper import bf16

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_EPS = 1e-7


def multiply_adds(shape: torch.Size, rounds: int) -> int:
    """Return those of ``rounds`` for one weight of so many outputs: its short side twice by its long one, and cubed."""
    rows, columns = shape[0], shape[1:].numel()
    short, long = min(rows, columns), max(rows, columns)
    return rounds * (2 * short**2 * long + short**3)


def orthogonalized(matrices: Sequence[Tensor], rounds: int) -> Tensor:
    """Return (n, rows, columns), each of n ``matrices`` of one shape and type after ``rounds`` of the iteration.

    A convolution's weight (outputs, inputs, height, width) is taken as (outputs, inputs * height * width).
    """
    first = matrices[0]
    kind = torch.float64 if first.dtype == torch.float64 else torch.bfloat16
    held = torch.empty(len(matrices), *first.shape, dtype=kind, device=first.device)
    for place, matrix in zip(held, matrices, strict=True):
        place.copy_(matrix)  # rounds on the way, whatever the layout in memory
    step = held.flatten(2)
    wide = step.size(1) <= step.size(2)
    step = step if wide else step.mT
    step = step / (torch.linalg.vector_norm(step, dim=(1, 2), keepdim=True) + _EPS)
    a, b, c = COEFFICIENTS
    with bf16.rounded(step.device):
        for _ in range(rounds):
            gram = torch.bmm(step, step.mT)
            step = torch.baddbmm(step, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), step, beta=a)
    return step if wide else step.mT
