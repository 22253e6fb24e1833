"""No quantization: weights and what enters layers stay floating-point numbers.

θ, x     as they are
"""

from temper.strategy import Quantization, Unchanged, strategy


@strategy
class NoQuantization(Unchanged, Quantization):
    """The network as it was trained."""
