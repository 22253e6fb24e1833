"""Residual blocks that start as the identity (Goyal et al., 2017, arXiv:1706.02677, section 5.1).

    y = relu(F(x) + S(x)),   F ends in a norm: F(x) = γ n(...) + β,   γ = 0 at the start, β = 0 as ever
    hence y = relu(S(x))     at first: the network is as deep as its shortcuts, and each block joins as its γ grows

Nothing else is touched: all other parameters are those that their layers were born with. It bites in deep residual
networks at large batches and rates, where the first steps are the dangerous ones. It is for task.connection=residual:
in a preactivated block no norm ends the branch, and a 0 in the norm before its last ReLU would stay 0 for good.
"""

from typing import ClassVar

from torch import nn

from temper.network.block import ResidualBlock
from temper.strategy import Initialization, strategy


@strategy
class ZeroGamma(Initialization):
    """Switch residual branches off at the start."""

    residual: ClassVar[bool] = True

    def apply(self, network: nn.Module) -> None:
        """Set the scale of the last norm of each residual block's branch to zero.

        Raises:
            ValueError: ``network`` has no such block.
        """
        blocks = [block for block in network.modules() if isinstance(block, ResidualBlock)]
        if not blocks:
            raise ValueError(
                "initialization=zero_gamma starts residual blocks, and the network has none: choose"
                " task=cifar_resnet task.connection=residual, or initialization=default"
            )
        for block in blocks:
            *_, last = (layer for layer in block.body.modules() if isinstance(layer, nn.BatchNorm2d | nn.GroupNorm))
            nn.init.zeros_(last.weight)
