"""Truncated singular value decomposition: each layer becomes two of less rank (Denton et al., 2014, arXiv:1404.0736).

W = U Σ Vᵀ                   of a layer's matrix; a convolution's is one of two, which ``convolution`` names
r = ``rank``                 or the least r with σ₁² + ... + σᵣ² ≥ ``energy`` · Σσ²
W ← Uᵣ Σᵣ Vᵣᵀ                once, at step t₀ = ``start``: the nearest matrix of rank r (Eckart and Young, 1936)
V ← orth(Wᵀ Q), Q ← orth(W V), W ← Q Qᵀ W    after every step from then on; Q begins as Uᵣ

The step after each step is one of subspace iteration: as W is then one step of the optimizer away from rank r, it comes
within a thousandth of the least distance at a fraction of the decomposition's cost, so that training is a projected
descent among networks of rank r (Jain et al., 2010, arXiv:0909.5457). What is measured, delivered and loaded later has
two layers in the place of one: the same answers by r (rows + columns) weights instead of rows · columns, and as many
multiply-adds for each position. A layer of which that would be no less stays whole, as does the head, whose rows are
the classes.

It bites where layers are wide beside what they do: fully connected ones first. Of small convolutions multiply-adds fall
faster than time, as two layers of fewer channels suit kernels less than one.
"""

import math
from collections.abc import Callable
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.network.factored import (
    Convolution,
    Factored,
    factored,
    layers_before_head,
    matrix_of,
    pays,
    weight_of,
)
from temper.network.layered import Layered
from temper.quantity import Clock, Count, Fraction, OpenFraction
from temper.strategy import LowRank, Remover, strategy


@strategy
class TruncatedSVD(LowRank):
    """Cut each layer before the head to a rank, and keep it there."""

    rank: Count | OpenFraction | None
    energy: OpenFraction | None
    start: Fraction
    convolution: Convolution

    @model_validator(mode="after")
    def _one_tells(self) -> Self:
        if (self.rank is None) == (self.energy is None):
            both = self.rank is not None
            raise ValueError(
                f"rank and energy {'both say' if both else 'are both null, and nothing says'} how much of a layer is"
                f" kept: set {'one of them to null' if both else 'one of them, such as rank=0.25'}"
            )
        return self

    @property
    def asked(self) -> str:
        """Return what decides how a layer is cut, as words of the command line."""
        amount = f"low_rank.energy={self.energy}" if self.rank is None else f"low_rank.rank={self.rank}"
        return f"{amount} low_rank.convolution={self.convolution}"

    def begins(self, clock: Clock) -> int:
        """Return the step of the cut."""
        return int(self.start * clock.total_steps)

    def settled(self, clock: Clock) -> int:
        """Return ``start`` in steps."""
        return math.ceil(self.start * clock.total_steps)

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that cuts, and keeps at the rank."""
        return _Cut(self.begins(clock), self.rank_of, self.convolution, self.asked)

    def delivered(self, network: Layered) -> Layered:
        """Return the network with two layers for each that was cut."""
        return factored(network, self.convolution)

    def note(self, network: nn.Module) -> str | None:
        """Return which layers stay whole; None where the weights at ``start`` decide that.

        Raises:
            ValueError: all would; or convolutions are to be cut in a way of their own, and there are none.
        """
        assert isinstance(network, Layered)
        layers = layers_before_head(network)
        if self.convolution != "channel" and not any(isinstance(layer, nn.Conv2d) for layer in layers.values()):
            raise ValueError(
                f"low_rank.convolution={self.convolution} says how convolutions are cut, and this network has none:"
                " leave it away"
            )
        if self.rank is None:
            return None
        whole, cut = [], 0
        for name, layer in layers.items():
            matrix = matrix_of(layer.weight.detach(), self.convolution)
            if pays(rank := self._rank(min(matrix.shape)), matrix):
                cut += 1
            else:
                whole.append(f"{name} (rank {rank} of {' x '.join(map(str, matrix.shape))})")
        if not cut:
            raise ValueError(
                f"low_rank=truncated_svd, low_rank.rank={self.rank}: two layers would be smaller than one in none of"
                f" {', '.join(whole)}: lower low_rank.rank, or choose low_rank=none"
            )
        if not whole:
            return None
        return f"low_rank=truncated_svd leaves whole what two layers would not make smaller: {', '.join(whole)}"

    def outcome(self, network: Layered) -> str | None:
        """Return the ranks of a delivered ``network``."""
        ranks = [layer.rank for layer in network.modules() if isinstance(layer, Factored)]
        if not ranks:
            return f"low_rank=truncated_svd: no layer is smaller as two of {self.asked.split()[0]}: all stay whole"
        spread = f"rank {ranks[0]}" if len(set(ranks)) == 1 else f"ranks {min(ranks)} to {max(ranks)}"
        return f"low_rank=truncated_svd: {len(ranks)} layers are two each, of {spread}"

    def rank_of(self, values: Tensor) -> int:
        """Return the rank at which a matrix of these singular ``values``, the largest first, is kept."""
        if self.energy is None:
            return self._rank(len(values))
        squares = values.square()
        kept = squares.cumsum(0) < self.energy * squares.sum()
        return min(int(kept.sum()) + 1, len(values))

    def _rank(self, most: int) -> int:
        assert self.rank is not None
        return min(self.rank, most) if isinstance(self.rank, int) else max(1, round(self.rank * most))


class _Cut(Remover):
    """Cuts layers to a rank at a step, and after each later one brings them back to it.

    Attributes:
        bases: by a weight's name, the orthonormal columns (rows, rank) in whose span those of its matrix lie.
    """

    axis = "low_rank"

    def __init__(self, start: int, rank_of: Callable[[Tensor], int], convolution: Convolution, asked: str) -> None:
        self.start, self.rank_of, self.convolution, self.asked = start, rank_of, convolution, asked
        self.bases: dict[str, Tensor] = {}
        self._begun = False

    def begin(self, network: nn.Module, step: int) -> None:
        """Cut where that is due at step 0; go on from the bases of a checkpoint."""
        self.bases = {name: basis.to(network.get_parameter(name).device) for name, basis in self.bases.items()}
        if not self._begun and step >= self.start:
            self._cut(network)

    def follow(self, network: nn.Module, step: int) -> None:
        """Cut, or bring back to what was cut."""
        if self._begun:
            self._bring_back(network)
        elif step >= self.start:
            self._cut(network)

    @torch.no_grad()
    def remove(self, network: nn.Module) -> None:
        """Cut the weights of ``network`` to the ranks of those that are trained."""
        for name, basis in self.bases.items():
            weight = network.get_parameter(name)
            left, _ = _decomposed(matrix_of(weight, self.convolution))
            self._project(weight, left[:, : basis.shape[1]])

    def state_dict(self) -> dict[str, Any]:
        """Return the bases, once there are any."""
        return {"asked": self.asked, "bases": dict(self.bases)} if self._begun else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the bases of a checkpoint."""
        self._begun, self.bases = bool(state_dict), dict(state_dict.get("bases", {}))

    @torch.no_grad()
    def _cut(self, network: nn.Module) -> None:
        assert isinstance(network, Layered)
        for name, layer in layers_before_head(network).items():
            matrix = matrix_of(layer.weight, self.convolution)
            left, values = _decomposed(matrix)
            if pays(rank := self.rank_of(values), matrix):
                self.bases[f"{name}.weight"] = left[:, :rank].clone()
                self._project(layer.weight, self.bases[f"{name}.weight"])
        self._begun = True

    @torch.no_grad()
    def _bring_back(self, network: nn.Module) -> None:
        for name, basis in self.bases.items():
            weight = network.get_parameter(name)
            matrix = matrix_of(weight, self.convolution)
            right = torch.linalg.qr(matrix.T @ basis).Q
            self.bases[name] = torch.linalg.qr(matrix @ right).Q
            self._project(weight, self.bases[name])

    def _project(self, weight: Tensor, basis: Tensor) -> None:
        matrix = matrix_of(weight, self.convolution)
        weight.copy_(weight_of(basis @ (basis.T @ matrix), weight.shape, self.convolution))


def _decomposed(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the left singular vectors of ``matrix``, as columns and of its type, and the singular values in float64.

    What is not finite has none, and stays so when it is projected: that training has diverged is its loss's to say.
    """
    vectors, values, _ = torch.linalg.svd(matrix.double().nan_to_num(), full_matrices=False)
    return vectors.to(matrix.dtype), values
