"""No low rank: every layer stays one, of whatever rank it learns.

θ ← θ     after every step
"""

from temper.strategy import LowRank, Unchanged, strategy


@strategy
class NoLowRank(Unchanged, LowRank):
    """The network as it is."""
