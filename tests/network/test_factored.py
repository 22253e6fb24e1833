"""Two layers answer as the one of their rank, which numpy gave it, and are counted by hand."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.low_rank.conftest import by_loops, truncated
from tests.network.conftest import NETWORKS, inputs, network
from torch import nn

from temper.network.convnet import ConvNet
from temper.network.factored import Convolution, Factored, factored, layers_before_head, matrix_of, pays, weight_of
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.report.measure import multiply_adds, parameter_counts

SCHEMES: tuple[Convolution, ...] = ("channel", "spatial")


def lowered(net: Layered, rank: int, convolution: str) -> dict[str, tuple[int, ...]]:
    """Bring each layer before the head to ``rank``; return the shapes of those that two layers make smaller."""
    smaller = {}
    for name, layer in net.named_modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d) or layer is net.head:
            continue
        rows, columns = shape = by_loops(layer.weight.detach().numpy(), convolution).shape
        if rank * rows + rank * columns < rows * columns:
            smaller[name] = shape
        layer.weight.data.copy_(truncated(layer.weight, rank, convolution))
    return smaller


@pytest.mark.parametrize("convolution", SCHEMES)
@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3, 2), (2, 5, 1, 1), (3, 2, 1, 5), (3, 2, 5, 1)])
def test_a_layer_s_matrix_is_the_one_by_loops(shape: tuple[int, ...], convolution: Convolution) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = matrix_of(weight, convolution)
    assert torch.equal(matrix, torch.from_numpy(by_loops(weight.numpy(), convolution)))
    assert torch.equal(weight_of(matrix, weight.shape, convolution), weight)
    if weight.dim() == 4:
        last = weight.contiguous(memory_format=torch.channels_last)
        assert torch.equal(matrix_of(last, convolution), matrix)


@pytest.mark.parametrize("convolution", SCHEMES)
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_answers_as_the_network_of_that_rank(name: str, rank: int, convolution: Convolution) -> None:
    whole = network(name)
    smaller = lowered(whole, rank, convolution)
    before = copy.deepcopy(whole.state_dict())
    small = factored(whole, convolution)
    assert all(torch.equal(whole.state_dict()[key], value) for key, value in before.items())
    pairs = {key: layer for key, layer in small.named_modules() if isinstance(layer, Factored)}
    assert pairs.keys() == smaller.keys()
    assert {pair.rank for pair in pairs.values()} <= {rank}
    saved = sum(rows * columns - rank * (rows + columns) for rows, columns in smaller.values())
    assert parameter_counts(whole)[0] - parameter_counts(small)[0] == saved
    torch.testing.assert_close(small(inputs(name)), whole(inputs(name)), rtol=1e-10, atol=1e-10)
    for pair in (whole, small):  # and so it does where it learns
        pair.train()
    torch.testing.assert_close(small(inputs(name)), whole(inputs(name)), rtol=1e-10, atol=1e-10)


STRIDED: dict[str, Any] = {"widths": [16, 20], "pooling": "stride", "offset": True, "logit_scale": 0.5}
WIDE: dict[str, Any] = {  # a network, the shape of an input, a rank
    "mlp": (lambda: MLP((30,), 5, hidden=[40, 24], between="tanh"), (30,), 2),
    "residual": (
        lambda: ResNet(3, 5, blocks=[1, 2], widths=[16, 24], connection="residual", bottleneck=False),
        (3, 9, 9),
        9,  # at which the spatial stem, of 9 columns, stays whole
    ),
    "bottleneck": (
        lambda: ResNet(3, 5, blocks=[1, 1], widths=[16, 24], connection="preactivation", bottleneck=True),
        (3, 9, 9),
        6,
    ),
    "convnet": (
        lambda: ConvNet(3, 5, convolutions=2, residual=True, between="gelu", **STRIDED),
        (3, 9, 9),
        5,
    ),
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("convolution", SCHEMES)
@pytest.mark.parametrize("name", WIDE)
def test_answers_so_in_float32_and_keeps_its_layout(
    name: str, convolution: Convolution, layout: torch.memory_format
) -> None:
    make, shape, rank = WIDE[name]
    torch.manual_seed(0)
    whole = make().to(memory_format=layout).eval()
    smaller = lowered(whole, rank, convolution)
    small = factored(whole, convolution)
    assert [key for key, layer in small.named_modules() if isinstance(layer, Factored)] == list(smaller)
    assert len(smaller) >= 2
    given = torch.randn(4, *shape).to(memory_format=layout if len(shape) == 3 else torch.contiguous_format)
    torch.testing.assert_close(small(given), whole(given), rtol=1e-5, atol=1e-5)
    assert all(weight.is_contiguous(memory_format=layout) for weight in small.parameters() if weight.dim() == 4)


def test_a_perceptron_is_smaller_by_what_is_counted_by_hand() -> None:
    whole = MLP((20,), 3, hidden=[30, 16, 4], between="tanh")
    lowered(whole, 3, "channel")
    small = factored(whole, "channel")
    assert [str(layer) for layer in small.hidden if not isinstance(layer, nn.Tanh)] == [
        "Factored(\n  (first): Linear(in_features=20, out_features=3, bias=False)\n"
        "  (second): Linear(in_features=3, out_features=30, bias=True)\n)",
        "Factored(\n  (first): Linear(in_features=30, out_features=3, bias=False)\n"
        "  (second): Linear(in_features=3, out_features=16, bias=True)\n)",
        "Factored(\n  (first): Linear(in_features=16, out_features=3, bias=False)\n"
        "  (second): Linear(in_features=3, out_features=4, bias=True)\n)",
    ]
    products = (20 + 30) * 3 + (30 + 16) * 3 + (16 + 4) * 3 + 4 * 3
    assert multiply_adds(small, (20,))[0] == products
    assert parameter_counts(small)[0] == products + 30 + 16 + 4 + 3
    assert torch.equal(small.head.weight, whole.head.weight)


def test_a_residual_network_is_smaller_by_what_is_counted_by_hand() -> None:
    whole = ResNet(3, 2, blocks=[1, 1], widths=[8, 12], connection="residual", bottleneck=False)
    channel, spatial = copy.deepcopy(whole), whole
    for net, convolution in ((channel, "channel"), (spatial, "spatial")):
        assert len(lowered(net, 2, convolution)) == 6
    norms, head, large, small = 2 * (3 * 8 + 3 * 12), 12 * 2, 16 * 16, 8 * 8
    filters = 2 * (3 * 9 + 8), 2 * (8 * 9 + 8), 2 * (8 * 9 + 12), 2 * (12 * 9 + 12), 2 * (8 + 12)
    stem, same, entry, inner, shortcut = filters
    two = factored(channel, "channel")
    assert parameter_counts(two)[0] == stem + 2 * same + entry + inner + shortcut + norms + head + 2
    assert multiply_adds(two, (3, 16, 16))[0] == large * (stem + 2 * same) + small * (entry + inner + shortcut) + head
    filters = 2 * (3 * 3 + 8 * 3), 2 * (8 * 3 + 8 * 3), 2 * (8 * 3 + 12 * 3), 2 * (12 * 3 + 12 * 3), 2 * (8 + 12)
    stem, same, entry, inner, shortcut = filters
    two = factored(spatial, "spatial")
    assert parameter_counts(two)[0] == stem + 2 * same + entry + inner + shortcut + norms + head + 2
    # The vertical filters of a layer with strides stand at every column, the horizontal ones at every other.
    entry_adds = small * 2 * (2 * 8 * 3) + small * 2 * 12 * 3
    assert multiply_adds(two, (3, 16, 16))[0] == (
        large * (stem + 2 * same) + entry_adds + small * (inner + shortcut) + head
    )


@pytest.mark.parametrize("convolution", SCHEMES)
def test_of_a_convolution_of_one_pixel_the_first_takes_the_strides(convolution: Convolution) -> None:
    net = ResNet(3, 2, blocks=[1, 1], widths=[16, 24], connection="residual", bottleneck=False)
    lowered(net, 4, convolution)
    (pair,) = (layer for name, layer in factored(net, convolution).named_modules() if name.endswith("shortcut.conv"))
    assert isinstance(pair, Factored)
    assert (pair.first.stride, pair.second.stride) == ((2, 2), (1, 1))


@given(rank=st.integers(1, 6), rows=st.integers(1, 8), columns=st.integers(1, 8))
@settings(deadline=None)
def test_pays_where_two_layers_hold_fewer_weights(rank: int, rows: int, columns: int) -> None:
    two = nn.Linear(columns, rank, bias=False), nn.Linear(rank, rows, bias=False)
    fewer = sum(layer.weight.numel() for layer in two) < rows * columns
    assert pays(rank, torch.empty(rows, columns)) == fewer


def test_a_network_of_full_rank_is_returned_as_it_is() -> None:
    net = network("residual")
    assert factored(net, "channel") is net
    assert factored(net, "spatial") is net


def test_the_head_stays_whole() -> None:
    net = MLP((9,), 8, hidden=[], between="relu")
    with torch.no_grad():
        net.head.weight.copy_(torch.ones(8, 9))
    assert layers_before_head(net) == {}
    assert factored(net, "channel") is net


def test_a_layer_of_zeros_is_two_of_rank_one() -> None:
    net = MLP((4,), 2, hidden=[5], between="sigmoid")
    nn.init.zeros_(net.hidden[0].weight)  # type: ignore[arg-type]
    small = factored(net, "channel")
    assert isinstance(small.hidden[0], Factored)
    assert small.hidden[0].rank == 1
    assert torch.equal(small(torch.ones(1, 4)), net(torch.ones(1, 4)))


def test_keeps_what_learns_and_whether_it_does() -> None:
    whole = MLP((8,), 2, hidden=[9], between="relu").double()
    lowered(whole, 1, "channel")
    whole.hidden[0].weight.requires_grad_(False)
    for training in (True, False):
        small = factored(whole.train(training), "channel")
        assert {module.training for module in small.modules()} == {training}
        learns = {name: weight.requires_grad for name, weight in small.named_parameters()}
        assert learns == {
            "hidden.linear1.first.weight": False,
            "hidden.linear1.second.weight": False,
            "hidden.linear1.second.bias": True,
            "head.weight": True,
            "head.bias": True,
        }
        assert {weight.dtype for weight in small.parameters()} == {torch.float64}
