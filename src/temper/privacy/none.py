"""No privacy: gradients are followed as they are, and weights may tell of single examples."""

from collections.abc import Callable

from torch import nn

from temper.facts import Facts
from temper.strategy import Privacy, strategy
from temper.terms import Privatizer


@strategy
class NoPrivacy(Privacy):
    """Leave gradients alone."""

    def privatizer(
        self, network: nn.Module, facts: Facts, chance: Callable[[int], float | None], seed: int
    ) -> Privatizer | None:
        """Return None."""
        return None
