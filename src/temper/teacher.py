"""A trained network as a guest of a run: it is asked, and never trained, saved or moved with the student."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from temper.facts import Answer
from temper.network.tapped import tap


class Teacher:
    """A network in eval mode, without gradients; no module itself, so that no module that holds it takes it in.

    Asked about the same batch again, by another distillation or in the second pass of a step, it repeats its answer.

    Attributes:
        network: that answers.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval().requires_grad_(False)
        self._features: dict[str, Tensor] = {}
        self._device: torch.device | None = None
        self._asked: tuple[Tensor, Answer] | None = None

    def tap(self, names: Iterable[str]) -> None:
        """Let answers hold the features of the layers ``names`` too."""
        tap(self.network, names, self._features)

    @torch.no_grad()
    def answer(self, inputs: Tensor) -> Answer:
        """Return what the network says to ``inputs`` (n, ...)."""
        if self._asked is None or self._asked[0] is not inputs:
            if self._device != inputs.device:
                self.network.to(inputs.device, inputs.dtype)
                self._device = inputs.device
            prediction = self.network(inputs)
            self._asked = inputs, Answer(prediction=prediction, features=dict(self._features))
        return self._asked[1]
