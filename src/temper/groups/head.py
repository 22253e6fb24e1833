"""Head and backbone apart (Long et al., 2015, arXiv:1502.02791, section 4.1: a new classifier at ten times the rate).

rate = η · r_head, decay = λ · w_head              the head, the last linear layer
rate = η · r_backbone, decay = λ · w_backbone      every layer before it
decay = 0                                          for biases and norm parameters, if ``no_norm_no_bias``

A distillation's regressors are as new as a new head, and go with it; learned weights of terms keep the rate η, which is
the learning rate in metrics.csv. It bites when the head is new and the backbone trained: the one must move, the other
must not forget.
"""

from typing import ClassVar

from torch import nn

from temper.facts import ParameterGroup
from temper.groups.alike import alike, spared
from temper.network.layered import Layered
from temper.quantity import NonNegative, Positive, Switch
from temper.strategy import Groups, strategy


@strategy
class Head(Groups):
    """A rate and a decay for the head, others for what lies before it."""

    by_depth: ClassVar[bool] = True

    head_rate: Positive
    backbone_rate: Positive
    head_decay: NonNegative
    backbone_decay: NonNegative
    no_norm_no_bias: Switch

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return a group for the backbone and one for the head, each without and with what does not decay."""
        without = spared(module) if self.no_norm_no_bias else set()
        network = module.network
        assert isinstance(network, Layered)
        before = {id(parameter) for block in network.blocks() for part in block for parameter in part.parameters()}

        def treated(parameter: nn.Parameter) -> tuple[float, float]:
            backbone = id(parameter) in before
            rate = self.backbone_rate if backbone else self.head_rate
            decay = self.backbone_decay if backbone else self.head_decay
            return rate, 0.0 if id(parameter) in without else decay

        return alike(module, treated)
