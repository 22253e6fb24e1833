"""Which layers count as holding weights."""

from torch import nn

from temper.network.layers import weighted_layers


def test_names_linear_and_convolution_layers_in_order() -> None:
    first, last = nn.Conv2d(1, 2, 3), nn.Linear(2, 1)
    network = nn.Sequential(first, nn.BatchNorm2d(2), nn.Sequential(nn.ReLU(), last), nn.LayerNorm(1))
    assert list(weighted_layers(network)) == [first, last]


def test_a_network_may_be_one_layer() -> None:
    layer = nn.Linear(1, 1)
    assert list(weighted_layers(layer)) == [layer]
