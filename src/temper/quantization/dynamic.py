"""Dynamic quantization: whole numbers after training, by the range that each example's inputs have.

p = round(w/t), t = max|w| / 127                     weights, once, a scale for each output
a = min x, b = max x                                 of what enters a layer, of each example by itself
s = (b - a)/127, z = round(-a/s)                     0 lies in the range, and is a whole number
q = clamp(⌊x/s + z + ½⌋, 0, 127)                     inputs, at each pass
y = s t Σ p (q - z) + bias                           Jacob et al., 2018, arXiv:1712.05877, equation 4

Nothing is trained or measured for it: from ``start`` on, evaluation goes by whole numbers, so that the report holds the
score before and after; training never does. Each example has a range of its own, so that no answer depends on what
others it came with. It bites where weights are most of what moves, as in fully connected layers, and where the data
vary in size; finding the range costs a pass over the inputs of each layer, which quantization=static saves.
"""

from temper.network.layered import Layered
from temper.network.simulated import simulated
from temper.quantization.rounding import Rounded
from temper.strategy import strategy


@strategy
class Dynamic(Rounded):
    """Round weights after training, and inputs as they come."""

    def prepared(self, network: Layered) -> Layered:
        """Return the network with layers that round by each example's own range."""
        return simulated(network, of_each=True, momentum=None)
