"""Every network of the house says what its blocks are: in order, and all but the head once."""

import pytest

from temper.network.layered import Layered
from temper.network.linear import Linear
from temper.network.mlp import MLP
from temper.network.resnet import ResNet

SHAPE = {"blocks": [2, 1], "widths": [4, 8], "bottleneck": False}
NETWORKS: dict[str, tuple[Layered, int]] = {  # with how many blocks lie before the head
    "line": (Linear(3), 0),
    "unit": (MLP((3,), 1, hidden=[], between="relu"), 0),
    "mlp": (MLP((3,), 2, hidden=[4, 5, 6], between="relu"), 3),
    "mlp_dropped": (MLP((3,), 2, hidden=[4, 5, 6], between="relu", dropout=0.5), 3),
    **{
        connection: (ResNet(3, 2, connection=connection, **SHAPE), 1 + 3)  # type: ignore[arg-type]
        for connection in ("residual", "preactivation", "plain", "dense")
    },
}


@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_and_head_hold_each_parameter_once(name: str) -> None:
    network, count = NETWORKS[name]
    blocks = network.blocks()
    assert len(blocks) == count
    parts = [*(part for block in blocks for part in block), network.head]
    held = [id(weight) for part in parts for weight in part.parameters()]
    assert sorted(held) == sorted(id(weight) for weight in network.parameters())


@pytest.mark.parametrize("name", [each for each in NETWORKS if each != "dense"])  # holds its bodies, then its merges
def test_blocks_come_in_the_order_in_which_they_are_passed(name: str) -> None:
    network, _ = NETWORKS[name]
    names = {id(weight): name for name, weight in network.named_parameters()}
    order = list(names.values())
    places = [
        order.index(names[id(weight)]) for block in network.blocks() for part in block for weight in part.parameters()
    ]
    assert places == sorted(places)


def test_a_dense_block_is_a_body_and_its_merge() -> None:
    network, _ = NETWORKS["dense"]
    names = ("stages.0.shortcut", "stages.0.bodies.0", "stages.0.merges.0")
    assert network.blocks()[1] == tuple(network.get_submodule(name) for name in names)
