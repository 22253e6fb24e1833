"""A few steps, and a few hundred examples of each evaluation, to see that the whole way through holds."""

from temper.quantity import Count
from temper.strategy import Debug, strategy


@strategy
class Steps(Debug):
    """A run of ``steps`` steps."""

    steps: Count

    @property
    def shortened_to(self) -> int | None:
        """Return the steps after which the run ends."""
        return self.steps
