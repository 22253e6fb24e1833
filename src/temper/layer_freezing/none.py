"""No freezing: every layer learns to the end, the run that freezing is compared with."""

from temper.quantity import Clock
from temper.strategy import LayerFreezing, strategy


@strategy
class NoLayerFreezing(LayerFreezing):
    """Let every block learn."""

    def ends(self, blocks: int, clock: Clock) -> list[int]:
        """Return the run's last step for each block."""
        return [clock.total_steps] * blocks
