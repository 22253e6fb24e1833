"""No pruning leaves everything as it is."""

import lightning as L

from temper.pruning.none import NoPruning
from temper.quantity import Clock


def test_does_nothing_and_is_settled_from_the_start() -> None:
    callback = NoPruning().callback(Clock((0, 10)))
    assert type(callback) is L.Callback
    assert callback.state_dict() == {}
    assert NoPruning().settled == 0.0
