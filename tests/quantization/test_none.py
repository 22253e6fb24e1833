"""No quantization leaves the network as it is."""

from temper.network.mlp import MLP
from temper.quantity import Clock
from temper.quantization.none import NoQuantization


def test_nothing_is_rounded() -> None:
    none, network = NoQuantization(), MLP((4,), 2, hidden=[3], between="relu")
    assert none.prepared(network) is network
    assert none.delivered(network) is network
    assert none.plain(network) is network
    assert none.callback(Clock((0, 5)), seed=0) is None
    assert none.settled(Clock((0, 5))) == 0
    assert none.begins(Clock((0, 5))) == 5
    assert not none.watches
