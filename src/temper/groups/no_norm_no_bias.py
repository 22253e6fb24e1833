"""Two groups: weights decay, biases and norm parameters do not (He et al., 2019, arXiv:1812.01187, section 3.1).

decay = λ    for weights of linear, convolution, embedding and attention layers
decay = 0    for biases, for every parameter of a norm layer, and for whatever has fewer than two dimensions
rate = η     for both

It bites when weight decay is strong: a shrinking scale of a norm layer shrinks the signal and prevents no overfitting,
and a bias is one number an output, too little to overfit with.
"""

from torch import nn

from temper.facts import ParameterGroup
from temper.groups.alike import alike, spared
from temper.strategy import Groups, strategy


@strategy
class NoNormNoBias(Groups):
    """Weight decay on weights only."""

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return the group of weights, then that of all else; a group without parameters is left out."""
        without = spared(module)
        groups = alike(module, lambda parameter: (1.0, 0.0 if id(parameter) in without else 1.0))
        return sorted(groups, key=lambda group: -group.decay)
