"""Each example's gradient, from Opacus' hooks, clipped and added up.

Opacus' rule for each layer is used: from what went into it and what came back, to the gradient of each example. Its
optimizer and engine are not: their noise is a stream, not a function of the step, so that a resumed run would draw
other noise; and their batches, and pieces of batches, come from a loader of their own.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from opacus.grad_sample.grad_sample_module import GradSampleHooks
from torch import Tensor, nn

from temper.refusal import Refusal


class Hooks(GradSampleHooks):  # type: ignore[misc]
    """Opacus' hooks, for any layout: its rule for convolutions reads images as if channels came first in memory."""

    def capture_activations_hook(self, module: nn.Module, forward_input: Any, _forward_output: Tensor) -> None:
        """Keep what went into the layer."""
        super().capture_activations_hook(module, [each.contiguous() for each in forward_input], _forward_output)


class ClippedSum:
    """The sum of the gradients of a network's examples, each first clipped to the norm ``bound``."""

    def __init__(self, network: nn.Module, bound: float) -> None:
        self.network, self.bound = network, bound
        self._hooks: Hooks | None = None
        self._sums: list[Tensor] | None = None

    @property
    def weights(self) -> list[nn.Parameter]:
        """Return the parameters whose gradients are summed."""
        return [weight for weight in self.network.parameters() if weight.requires_grad]

    def enter(self) -> None:
        """Hang hooks on the layers."""
        # The hooks do not ask for what torch cannot give them of the first layer: the gradient of the images.
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        self._hooks = Hooks(self.network, loss_reduction="sum")

    def leave(self) -> None:
        """Take the hooks away."""
        if self._hooks is not None:
            self._hooks.cleanup()
            self._hooks = None
            for layer in self.network.modules():
                layer.__dict__.pop("activations", None)  # Opacus leaves its empty list behind

    @torch.no_grad()
    def add(self, scale: float) -> None:
        """Add ``scale`` times the gradient of each example of the last backward pass, clipped; none with 0."""
        weights = self.weights
        samples = [self._taken(weight) for weight in weights]
        if self._sums is None:
            self._sums = [torch.zeros(weight.numel(), dtype=_wide(weight), device=weight.device) for weight in weights]
        if not scale:
            return
        flat = [sample.flatten(1).to(sums.dtype) for sample, sums in zip(samples, self._sums, strict=True)]
        norms = torch.stack([torch.linalg.vector_norm(each, dim=1) for each in flat]).norm(dim=0) * scale
        factors = scale * (self.bound / norms).clamp(max=1)
        for sums, each in zip(self._sums, flat, strict=True):
            sums += factors.to(sums.dtype) @ each

    def total(self) -> Tensor:
        """Return the sum over all ranks since the last total, all weights one after the other."""
        assert self._sums is not None
        total = torch.cat(self._sums)
        self._sums = None
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(total)
        return total

    def _taken(self, weight: nn.Parameter) -> Tensor:
        sample = getattr(weight, "grad_sample", None)
        if not isinstance(sample, Tensor):
            raise Refusal(
                "privacy=dp_sgd clips the gradient of each example, and a layer gave none: train every layer of the"
                " network in each step, or choose privacy=none"
            )
        weight.grad_sample = None  # type: ignore[attr-defined]
        return sample


@torch.no_grad()
def put(gradient: Tensor, weights: Sequence[nn.Parameter]) -> None:
    """Write ``gradient``, all weights one after the other, over the gradients of ``weights``."""
    for weight, part in zip(weights, torch.split(gradient, [weight.numel() for weight in weights]), strict=True):
        own = part.view_as(weight).to(weight.dtype)
        if weight.grad is None:
            # In the layout of the weight: torch's fused CPU kernels take both as they lie in memory.
            weight.grad = torch.empty_like(weight)
        weight.grad.copy_(own)  # the tensor itself may be part of what DDP holds


def _wide(weight: Tensor) -> torch.dtype:
    return torch.promote_types(weight.dtype, torch.float32)
