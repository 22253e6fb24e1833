"""Rates that fall with the distance from the head (Howard and Ruder, 2018, arXiv:1801.06146, section 3.2: by 1/2.6).

rate = η · f^d     d: blocks between a parameter and the head; 0 for the head, 1 for the last block, most for the first
decay = λ          times 0 for biases and norm parameters, if ``no_norm_no_bias``

A block is what the network's ``blocks()`` calls one: a hidden layer of a perceptron; the stem of a ResNet, and each of
its residual blocks, whichever stage it lies in. Learned weights of terms and a distillation's regressors stand beside
the head, at rate η. The learning rate in metrics.csv is η. It bites when a trained network is to learn something new:
early layers, which are general, are to change little. From scratch it mostly slows the early layers down.
"""

from typing import ClassVar

from torch import nn

from temper.facts import ParameterGroup
from temper.groups.alike import alike, spared
from temper.network.layered import Layered
from temper.quantity import Positive, Switch
from temper.strategy import Groups, strategy


@strategy
class LayerDecay(Groups):
    """A rate for each block."""

    by_depth: ClassVar[bool] = True

    factor: Positive
    no_norm_no_bias: Switch

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return a group for each distance from the head, or two where some of its parameters do not decay."""
        without = spared(module) if self.no_norm_no_bias else set()
        network = module.network
        assert isinstance(network, Layered)
        distances: dict[int, int] = {}
        for distance, block in enumerate(reversed(network.blocks()), start=1):
            for part in block:
                distances |= {id(parameter): distance for parameter in part.parameters()}
        return alike(
            module,
            lambda parameter: (
                self.factor ** distances.get(id(parameter), 0),
                0.0 if id(parameter) in without else 1.0,
            ),
        )
