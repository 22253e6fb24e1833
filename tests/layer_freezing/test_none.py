"""No freezing: every block learns to the end."""

from temper.layer_freezing.none import NoLayerFreezing
from temper.quantity import Clock


def test_no_block_ever_stops() -> None:
    assert NoLayerFreezing().ends(3, Clock((0, 4, 8))) == [8, 8, 8]
