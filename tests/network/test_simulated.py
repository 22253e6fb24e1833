"""Layers that answer as layers of whole numbers will: against torch's fake quantization, and against those layers."""

from typing import Any

import pytest
import torch
from torch import nn

from temper.network import simulated as module
from temper.network.int8 import Int8, whole_weights
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.network.simulated import RANGE, Simulated, in_whole_numbers, layers_of, plain, simulated
from temper.network.statistics import frozen_statistics, recompute_statistics
from temper.network.taking import take


def mlp(momentum: float | None = 0.1, of_each: bool = False, **knobs: Any) -> MLP:
    torch.manual_seed(1)
    return simulated(MLP((6,), 3, hidden=[5], between="relu", **knobs), of_each, momentum)


def watching(network: nn.Module, rounds: bool = False) -> list[Simulated]:
    layers = layers_of(network)
    for layer in layers:
        layer.track_running_stats, layer.rounds = True, rounds
    return layers


def test_names_and_weights_stay() -> None:
    torch.manual_seed(1)
    network = MLP((6,), 3, hidden=[5], between="relu")
    weights = dict(network.named_parameters())
    state = network.state_dict()
    assert simulated(network, False, 0.1) is network
    assert {name: id(weight) for name, weight in network.named_parameters()} == {
        name: id(weight) for name, weight in weights.items()
    }
    extra = set(network.state_dict()) - set(state)
    assert extra == {f"{layer}.{name}" for layer in ("hidden.linear1", "head") for name in RANGE}
    assert isinstance(network.head, nn.Linear)


def test_until_something_is_watched_it_is_the_layer() -> None:
    network, inputs = mlp(), torch.randn(4, 6)
    torch.manual_seed(1)
    own = MLP((6,), 3, hidden=[5], between="relu")
    for each in (network.train(), network.eval()):
        assert torch.equal(each(inputs), own(inputs))
    for made in (in_whole_numbers(network), plain(network)):
        assert made.state_dict().keys() == own.state_dict().keys(), "layers of floating point, without ranges"
        assert torch.equal(made(inputs), own(inputs))


def test_ranges_by_hand() -> None:
    layer = watching(mlp(momentum=0.1))[0]
    batches = [
        torch.tensor([[-1.0, 0, 0, 0, 0, 2.0]]),
        torch.tensor([[-3.0, 0, 0, 0, 0, 1.0]]),
        torch.full((2, 6), 0.5),
    ]
    least, largest = -1.0, 2.0
    for number, batch in enumerate(batches):
        layer(batch)
        if number:
            least, largest = 0.9 * least + 0.1 * float(batch.min()), 0.9 * largest + 0.1 * float(batch.max())
        assert float(layer.least) == pytest.approx(least, rel=1e-6)
        assert float(layer.largest) == pytest.approx(largest, rel=1e-6)
    assert int(layer.watched) == 3


def test_a_plain_mean_of_ranges() -> None:
    layer = watching(mlp(momentum=None))[0]
    for top in (1.0, 2.0, 6.0):
        layer(torch.tensor([[-top, 0, 0, 0, 0, top]]))
    assert float(layer.largest) == pytest.approx(3.0)
    assert float(layer.least) == pytest.approx(-3.0)


def test_ranges_are_those_of_all_processes_where_each_sees_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def with_the_other(both: torch.Tensor, op: Any) -> None:
        assert op == torch.distributed.ReduceOp.MAX
        told.append(both.tolist())
        torch.maximum(both, torch.tensor([3.0, 1.0]), out=both)  # the other has seen -3 to 1

    monkeypatch.setattr(module.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(module.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(module.dist, "all_reduce", with_the_other)
    network = mlp()
    layer = watching(network)[0]
    batch = torch.tensor([[-1.0, 0, 0, 0, 0, 2.0]])
    layer(batch)
    assert (float(layer.least), float(layer.largest)) == (-3.0, 2.0)
    with frozen_statistics(network):
        network(batch)
    network.eval()(batch)
    recompute_statistics(network, [batch])  # which all processes see alike
    assert told == [[1.0, 2.0]]
    assert (float(layer.least), float(layer.largest)) == (-1.0, 2.0)


def test_ranges_are_held_where_statistics_are() -> None:
    network = mlp()
    first, _ = watching(network)
    network(torch.randn(4, 6))
    before = float(first.largest)
    with frozen_statistics(network):
        network(torch.full((4, 6), 50.0))
    network.eval()(torch.full((4, 6), 50.0))
    assert float(first.largest) == before
    assert int(first.watched) == 1


def test_ranges_are_taken_anew_for_averaged_weights() -> None:
    network = mlp(dropout=0.9)
    first, head = watching(network)
    network(torch.full((4, 6), 50.0))
    batches = [torch.randn(8, 6) for _ in range(3)]
    recompute_statistics(network, batches)
    assert float(first.largest) == pytest.approx(sum(float(each.max()) for each in batches) / 3, rel=1e-6)
    with torch.no_grad():  # without dropout, which would make inputs ten times as large
        hidden = [torch.relu(nn.functional.linear(each, first.weight, first.bias)).max() for each in batches]
    assert float(head.largest) == pytest.approx(float(sum(hidden)) / 3, rel=1e-5)
    assert first.momentum == 0.1
    assert int(first.watched) == 3


def test_recomputed_blocks_watch_once() -> None:
    plainly, again = mlp(), mlp()
    again.recompute()
    inputs = torch.randn(4, 6, requires_grad=True)
    for network in (plainly, again):
        watching(network)
        for _ in range(3):
            network(inputs).sum().backward()
    assert [int(layer.watched) for layer in layers_of(again)] == [3, 3]
    assert all(torch.equal(plainly.state_dict()[name], value) for name, value in again.state_dict().items())


def test_recomputed_blocks_round_as_in_the_first_run() -> None:
    plainly, again = mlp(momentum=0.5), mlp(momentum=0.5)
    again.recompute()
    for network in (plainly, again):
        watching(network, rounds=True)
        torch.manual_seed(4)
        for size in (1.0, 5.0):  # the second moves the ranges of the first
            network(torch.randn(4, 6, requires_grad=True) * size).sum().backward()
    for (name, one), other in zip(plainly.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad), name


def test_rounded_in_training_as_torch_rounds() -> None:
    layer = watching(mlp(), rounds=True)[0]
    layer.least, layer.largest, layer.watched = torch.tensor(-1.0), torch.tensor(2.0), torch.tensor(1)
    layer.track_running_stats = False
    torch.manual_seed(2)
    inputs = (torch.rand(50, 6) * 3.6 - 1.3).requires_grad_()  # some lie outside
    answer = layer(inputs)
    scale, weight = 3 / 127, layer.weight.detach()
    ours = torch.fake_quantize_per_tensor_affine(inputs.detach(), scale, round(1 / scale), 0, 127)
    own = weight.abs().amax(1) / 127
    rounded = torch.fake_quantize_per_channel_affine(weight, own, torch.zeros(5, dtype=torch.int32), 0, -127, 127)
    torch.testing.assert_close(answer, nn.functional.linear(ours, rounded, layer.bias), rtol=1e-5, atol=1e-6)
    answer.sum().backward()
    zero = round(1 / scale)
    within = (inputs >= -zero * scale) & (inputs <= (127 - zero) * scale)
    assert 0 < int(within.sum()) < within.numel()
    torch.testing.assert_close(inputs.grad, torch.where(within, rounded.sum(0), 0.0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(layer.weight.grad, ours.sum(0).expand(5, 6), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("of_each", [False, True])
@pytest.mark.parametrize("connection", ["residual", "preactivation", "dense"])
def test_it_answers_as_what_is_delivered_to_the_bit(connection: Any, of_each: bool) -> None:
    torch.manual_seed(0)
    network = ResNet(3, 4, blocks=[1, 1], widths=[4, 6], connection=connection, bottleneck=False)
    network = simulated(network.to(memory_format=torch.channels_last), of_each, 0.1)
    watching(network)
    for _ in range(2):
        network(torch.randn(8, 3, 8, 8))
    whole = in_whole_numbers(network.eval())
    assert sum(isinstance(layer, Int8) for layer in whole.modules()) == len(layers_of(network))
    inputs = torch.randn(5, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(network(inputs), whole(inputs))
        assert not torch.equal(plain(network)(inputs), whole(inputs))
        torch.testing.assert_close(plain(network)(inputs), whole(inputs), rtol=0.2, atol=0.2)


def test_what_is_delivered_holds_the_rounded_weights() -> None:
    network = mlp()
    watching(network)
    network(torch.randn(4, 6))
    whole: Layered = in_whole_numbers(network)
    numbers, _ = whole_weights(network.head.weight)
    assert torch.equal(whole.head.weight.float(), numbers)
    assert layers_of(whole) == []
    assert len(layers_of(network)) == 2  # a copy


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_other_types_come_back_as_they_went_in(kind: torch.dtype) -> None:
    network = mlp().to(kind)
    watching(network, rounds=True)
    inputs = torch.randn(4, 6, dtype=kind)
    assert network(inputs).dtype == kind
    assert network.eval()(inputs).dtype == kind
    with torch.inference_mode():
        assert torch.equal(in_whole_numbers(network)(inputs), network(inputs))


def test_another_networks_ranges_are_not_taken() -> None:
    source, network = mlp(), mlp()
    watching(source)
    source(torch.randn(4, 6))
    assert take(network, source.state_dict()) == [True, True]
    assert [int(layer.watched) for layer in layers_of(network)] == [0, 0]
    plainly = MLP((6,), 3, hidden=[5], between="relu")
    assert take(plainly, source.state_dict()) == [True, True]
    assert torch.equal(plainly.head.weight, source.head.weight)
