"""No pruning leaves everything as it is."""

from temper.pruning.none import NoPruning
from temper.quantity import Clock


def test_does_nothing_and_is_settled_from_the_start() -> None:
    assert NoPruning().callback(Clock((0, 10)), seed=0) is None
    assert NoPruning().settled(Clock((0, 10))) == 0
    assert NoPruning().lap(7, Clock((0, 10))) == (7, Clock((0, 10)))
