"""The whole run, not looked at."""

from pathlib import Path

import lightning as L

from temper.strategy import Debug, strategy


@strategy
class NoDebug(Debug):
    """The run as it is."""

    @property
    def shortened_to(self) -> int | None:
        """Return None: all steps."""
        return None

    @property
    def memorised(self) -> int | None:
        """Return None: all examples."""
        return None

    def callbacks(self, folder: Path) -> list[L.Callback]:
        """Return no callback."""
        return []
