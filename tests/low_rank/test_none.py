"""No low rank leaves everything as it is."""

from torch import nn

from temper.low_rank.none import NoLowRank
from temper.network.mlp import MLP
from temper.quantity import Clock


def test_does_nothing_and_is_settled_from_the_start() -> None:
    clock, net = Clock((0, 10)), MLP((4,), 2, hidden=[8], between="relu")
    nn.init.ones_(net.hidden[0].weight)  # of rank 1
    assert NoLowRank().callback(clock, seed=0) is None
    assert (NoLowRank().begins(clock), NoLowRank().settled(clock)) == (10, 0)
    assert NoLowRank().delivered(net) is net
    assert NoLowRank().note(net) is None
    assert NoLowRank().outcome(net) is None
