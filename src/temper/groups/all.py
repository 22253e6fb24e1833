"""One group: every parameter takes the optimizer's rate and decay as they stand, biases and norm layers included.

rate = η     for every parameter
decay = λ    for every parameter

It bites when a formula is to hold to the letter, as in a comparison with a closed form; a network with norm layers
usually wants ``no_norm_no_bias``.
"""

from torch import nn

from temper.facts import ParameterGroup
from temper.strategy import Groups, strategy


@strategy
class All(Groups):
    """All parameters alike."""

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return one group, in the order of ``module.named_parameters()``; none where nothing learns."""
        named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        if not named:
            return []
        return [ParameterGroup(names=tuple(named), parameters=tuple(named.values()))]
