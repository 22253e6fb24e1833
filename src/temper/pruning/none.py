"""No pruning: every weight stays, the dense network that pruned ones are compared with.

θ ← θ     after every step
"""

from temper.strategy import Pruning, Unchanged, strategy


@strategy
class NoPruning(Unchanged, Pruning):
    """The dense network."""
