"""The gradient's norm, before it is clipped: of the whole, and of each layer, at the recorder's pace.

It is that of the whole batch, after micro-batches have been added up and processes averaged; of an optimizer that takes
two gradients a step, that of the first, at the weights themselves.
"""

from collections.abc import Callable

import lightning as L
import torch
from torch import Tensor

from temper.sharding import whole
from temper.training.supervised import Supervised


class GradientNorm(L.Callback):
    """Notes the 2-norm of the gradient in the step that is flushed next.

    Args:
        layers: whether each layer's norm is noted as well as the whole.
        due: whether the recorder flushes after so many steps, even if no epoch ends with them.
    """

    def __init__(self, layers: bool, due: Callable[[int], bool]) -> None:
        self.layers, self.due = layers, due

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Note it where a flush is due."""
        assert isinstance(pl_module, Supervised)
        if not (trainer.is_last_batch or self.due(trainer.global_step + 1)):
            return
        if pl_module.ingredients.optimizer.passes > 1 and not optimizer.ascending:  # type: ignore[attr-defined]
            return
        named = [(name, weight.grad) for name, weight in pl_module.named_parameters() if weight.grad is not None]
        if not named:
            return
        norms = whole(torch._foreach_norm([gradient for _, gradient in named], 2))
        noted = {"gradient_norm": torch.linalg.vector_norm(torch.stack(norms))}
        if self.layers:
            noted |= {f"gradient_norm/{layer}": norm for layer, norm in _by_layer(named, norms).items()}
        pl_module.noted = noted  # not added to what was: a layer that has stopped learning has no norm any more


def _by_layer(named: list[tuple[str, Tensor]], norms: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Return the norm of each layer's gradient: of its weight and bias together."""
    of: dict[str, list[Tensor]] = {}
    for (name, _), norm in zip(named, norms, strict=True):
        of.setdefault(name.rpartition(".")[0].removeprefix("network."), []).append(norm)
    return {layer: torch.linalg.vector_norm(torch.stack(each)) for layer, each in of.items()}
