"""No averaging: nothing is kept."""

from temper.averaging.none import NoAveraging
from temper.quantity import Clock


def test_keeps_nothing() -> None:
    assert NoAveraging().averager(Clock((0, 10))) is None
