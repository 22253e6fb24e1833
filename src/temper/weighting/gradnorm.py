"""GradNorm (Chen et al., 2018, arXiv:1711.02257, Algorithm 1): each term's gradient as large as its progress asks for.

Gᵢ = ‖∇_W wᵢ Jᵢ‖₂                     at the weights W of the last ``layer`` that all terms share; Ḡ their mean
rᵢ = (Jᵢ / Jᵢ⁰) / mean                how much of its first value Jᵢ⁰ is left, beside the others
wᵢ ← wᵢ - η ∂/∂wᵢ Σₖ |Gₖ - Ḡ rₖ^α|     a gradient step, Ḡ rₖ^α held constant: -η sign(Gᵢ - Ḡ rᵢ^α) ‖∇_W Jᵢ‖₂
wᵢ ← max(0, wᵢ) Σ shares / Σ wₖ       so that the sum stays; weights start at the shares that the user gave

α = 0 makes all gradients equally large, a larger one pulls harder on what lags behind. The paper's weights add up to
the number of terms, these to 1, as under ``fixed``. A step takes one more gradient a term, down to W only. It bites
where one term's gradient drowns the others'.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from temper.facts import Facts
from temper.prediction import widened
from temper.quantity import NonNegative, Positive
from temper.refusal import Refusal, nearest
from temper.strategy import Weighting, strategy
from temper.terms import Weigher
from temper.weighting.ranks import over_ranks
from temper.weighting.shares import check_positive


@strategy
class GradNorm(Weighting):
    """Weights that follow from the size of each term's gradient."""

    term_gradients: ClassVar[bool] = True

    layer: Annotated[str, Field(min_length=1)] | None
    alpha: NonNegative
    lr: Positive

    def check(self, shares: Mapping[str, float]) -> None:
        """Refuse a term that starts without weight."""
        check_positive(shares)

    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher that starts with ``shares``.

        Raises:
            ValueError: ``network`` has no such layer; names the nearest.
        """
        known = [name for name, layer in network.named_modules() if name and _weight(layer) is not None]
        if self.layer is not None and self.layer not in known:
            raise ValueError(
                f"weighting.layer={self.layer}: the network has no layer of that name with weights;"
                f" {nearest(self.layer, known)}"
            )
        return _GradientWeigher(shares, network, self.layer, self.alpha, self.lr)


class _GradientWeigher(Weigher):
    def __init__(
        self, shares: Mapping[str, float], network: nn.Module, layer: str | None, alpha: float, lr: float
    ) -> None:
        super().__init__()
        # In a tuple, a guest: no submodule, or its weights would be saved twice. The layer is looked up in each step,
        # as others may put a smaller one in its place.
        self._guest, self._layer = (network,), layer
        self._alpha, self._lr = alpha, lr
        self._names = tuple(shares)
        self._weights = torch.tensor([shares[name] for name in self._names], dtype=torch.float64)
        self._total = sum(shares.values())
        self._first: Tensor | None = None  # value of each term in the first step
        self._part: Tensor | None = None  # each term and its gradient, of this process, in this step

    def watch(self, terms: Mapping[str, Tensor], share: float) -> None:
        if self._layer is None:
            self._layer = _last_shared(self._guest[0], terms)
        weight = _weight(self._guest[0].get_submodule(self._layer))
        assert weight is not None
        rows = []
        for name in self._names:
            (gradient,) = torch.autograd.grad(terms[name], weight, retain_graph=True, allow_unused=True)
            if gradient is None:
                raise Refusal(
                    f"weighting.layer={self._layer}: the term {name} does not depend on it: name an earlier layer,"
                    " one that all terms share"
                )
            rows.append(torch.cat((widened(terms[name].detach()).view(1), widened(gradient).flatten())))
        part = share * torch.stack(rows)
        self._part = part if self._part is None else self._part + part

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        values = torch.stack([terms[name] for name in self._names])
        self._weights = self._weights.to(values.device, widened(values).dtype)
        return (self._weights * values).sum()

    @torch.no_grad()
    def end_step(self) -> None:
        if self._part is None:
            return
        whole = over_ranks(self._part)
        self._part = None
        values, norms = whole[:, 0], torch.linalg.vector_norm(whole[:, 1:], dim=1)
        self._first = values if self._first is None else self._first.to(values)
        left = torch.where(self._first > 0, values / self._first, torch.ones_like(values))
        found = self._weights * norms
        wanted = found.mean() * (left / left.mean()) ** self._alpha
        moved = (self._weights - self._lr * (found - wanted).sign() * norms).clamp(min=0)
        total = moved.sum()
        # Chosen on the device, which would have to be waited for otherwise.
        self._weights = torch.where(total.isfinite() & (total > 0), moved * (self._total / total), self._weights)

    def weights(self) -> dict[str, Tensor | float]:
        return dict(zip(self._names, self._weights, strict=True))

    def get_extra_state(self) -> Tensor:
        first = torch.full_like(self._weights, torch.nan) if self._first is None else self._first
        return torch.stack((self._weights, first.to(self._weights))).to("cpu", torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        self._weights, first = state.clone()
        self._first = None if bool(first.isnan().any()) else first
        self._part = None


def _last_shared(network: nn.Module, terms: Mapping[str, Tensor]) -> str:
    """Return the name of the last layer with weights that all ``terms`` depend on."""
    layers = [(name, weight) for name, layer in network.named_modules() if (weight := _weight(layer)) is not None]
    learned = [(name, weight) for name, weight in layers if weight.requires_grad]
    weights = [weight for _, weight in learned]
    reached = [torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True) for term in terms.values()]
    shared: list[str] = [
        name
        for (name, _), of in zip(learned, zip(*reached, strict=True), strict=True)
        if all(each is not None for each in of)
    ]
    if not shared:
        raise Refusal(f"weighting=gradnorm: no layer is shared by the terms {', '.join(terms)}: choose weighting=fixed")
    return shared[-1]


def _weight(layer: nn.Module) -> nn.Parameter | None:
    weight = getattr(layer, "weight", None)
    return weight if isinstance(weight, nn.Parameter) and weight.ndim >= 2 else None
