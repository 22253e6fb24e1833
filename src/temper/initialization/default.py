"""The weights that PyTorch's own layers are born with (LeCun et al., 1998, Efficient BackProp, section 4.6, in spirit).

    w ~ U(-1 / sqrt(f), 1 / sqrt(f))     f: the inputs of one output (fan-in); biases likewise

It suits shallow networks; deep ReLU networks without norms lose signal with it from layer to layer, as the mean square
falls to a sixth each time.
"""

from torch import nn

from temper.strategy import Initialization, strategy


@strategy
class Default(Initialization):
    """What the layers drew as they were made."""

    def apply(self, network: nn.Module) -> None:
        """Leave the parameters as they are."""
