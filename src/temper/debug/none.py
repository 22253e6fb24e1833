"""The whole run, not looked at."""

from temper.strategy import Debug, strategy


@strategy
class NoDebug(Debug):
    """The run as it is."""
