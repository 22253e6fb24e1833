"""The sum of clipped gradients against a plain loop that asks the network about one example at a time."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from temper.network.block import Connection
from temper.network.group_norm import with_group_norm
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.privacy.per_example import ClippedSum, put
from temper.refusal import Refusal

pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook is firing")


def by_a_loop(network: nn.Module, inputs: Tensor, targets: Tensor, bound: float) -> list[float]:
    """Return Σ gᵢ · min(1, C/‖gᵢ‖) in plain floats, each gᵢ by torch's own autograd."""
    plain = copy.deepcopy(network)
    total: list[float] = []
    for one, target in zip(inputs, targets, strict=True):
        loss = F.cross_entropy(plain(one[None]), target[None])
        gradients = torch.autograd.grad(loss, list(plain.parameters()))
        flat = [value for gradient in gradients for value in gradient.flatten().tolist()]
        length = math.sqrt(sum(value * value for value in flat))
        kept = [value * min(1.0, bound / length) for value in flat]
        total = [a + b for a, b in zip(total, kept, strict=True)] if total else kept
    return total


def by_hooks(network: nn.Module, batches: list[tuple[Tensor, Tensor]], bound: float) -> list[float]:
    clipped = ClippedSum(network, bound)
    clipped.enter()
    for inputs, targets in batches:
        F.cross_entropy(network(inputs), targets).backward()  # a mean: each example's gradient came out n times smaller
        clipped.add(len(inputs))
    total: list[float] = clipped.total().tolist()
    clipped.leave()
    return total


def perceptron() -> nn.Module:
    return MLP((6,), 4, hidden=[5], between="tanh").double()


@settings(deadline=None, max_examples=15)
@given(bound=st.floats(1e-3, 10), count=st.integers(1, 9), pieces=st.integers(1, 3), seed=st.integers(0, 1000))
def test_is_the_loop(bound: float, count: int, pieces: int, seed: int) -> None:
    torch.manual_seed(seed)
    network, inputs, targets = perceptron(), 3 * torch.randn(count, 6).double(), torch.randint(4, (count,))
    batches = list(zip(inputs.chunk(pieces), targets.chunk(pieces), strict=True))
    assert by_hooks(network, batches, bound) == pytest.approx(by_a_loop(network, inputs, targets, bound), abs=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["plain", "channels_last"])
@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
def test_is_the_loop_in_a_resnet(connection: Connection, layout: torch.memory_format) -> None:
    torch.manual_seed(1)
    made = ResNet(2, 3, blocks=[1, 1, 1], widths=[4, 6, 8], connection=connection, bottleneck=False)
    network = with_group_norm(made).double().to(memory_format=layout)  # type: ignore[call-overload]
    inputs = torch.randn(3, 2, 8, 8).double().contiguous(memory_format=layout)
    targets, bound = torch.arange(3), 2.0
    expected = by_a_loop(network, inputs, targets, bound)
    assert by_hooks(network, [(inputs, targets)], bound) == pytest.approx(expected, abs=1e-10)


def test_examples_that_do_not_count_leave_nothing() -> None:
    torch.manual_seed(0)
    network, clipped = perceptron(), None
    clipped = ClippedSum(network, 1.0)
    clipped.enter()
    F.cross_entropy(network(torch.randn(1, 6).double()), torch.tensor([1])).backward()
    clipped.add(0)
    assert not clipped.total().any()
    clipped.leave()


def test_no_example_moves_the_sum_by_more_than_the_bound() -> None:
    torch.manual_seed(0)
    network, inputs, targets = perceptron(), 100 * torch.randn(8, 6).double(), torch.randint(4, (8,))
    whole = torch.tensor(by_hooks(network, [(inputs, targets)], 0.5))
    for left_out in range(8):
        rest = [row for row in range(8) if row != left_out]
        without = torch.tensor(by_hooks(network, [(inputs[rest], targets[rest])], 0.5))
        assert (whole - without).norm() <= 0.5 * (1 + 1e-9)


def test_leaves_the_network_as_it_was() -> None:
    network = perceptron()
    before = {name: dict(vars(module)) for name, module in network.named_modules()}
    by_hooks(network, [(torch.randn(2, 6).double(), torch.tensor([0, 1]))], 1.0)
    assert not any(hasattr(weight, "grad_sample") for weight in network.parameters())
    for name, module in network.named_modules():
        assert vars(module).keys() == before[name].keys()
        assert not module._forward_hooks
        assert not module._backward_hooks


def test_bfloat16_examples_are_summed_in_float32() -> None:
    torch.manual_seed(0)
    network = MLP((6,), 4, hidden=[5], between="tanh")
    clipped = ClippedSum(network, 1.0)
    clipped.enter()
    with torch.autocast("cpu", torch.bfloat16):
        loss = F.cross_entropy(network(torch.randn(3, 6)), torch.arange(3))
    loss.backward()
    clipped.add(3)
    assert clipped.total().dtype == torch.float32
    clipped.leave()


def test_refuses_a_layer_that_was_not_asked() -> None:
    network = perceptron()
    network.get_submodule("head").requires_grad_(False)
    clipped = ClippedSum(network, 1.0)
    clipped.enter()
    network.get_submodule("head").requires_grad_(True)  # thawed on the way: its gradient would go by without noise
    F.cross_entropy(network(torch.randn(1, 6).double()), torch.tensor([1])).backward()
    with pytest.raises(Refusal, match=r"privacy=dp_sgd .*a layer gave none.*privacy=none"):
        clipped.add(1)
    clipped.leave()


@pytest.mark.parametrize("kept", [True, False])
def test_puts_each_weights_part_in_its_place(kept: bool) -> None:
    network = nn.Linear(2, 3)
    if kept:
        network(torch.ones(1, 2)).sum().backward()
    held = [weight.grad for weight in network.parameters()]
    put(torch.arange(9.0), list(network.parameters()))
    assert network.weight.grad is not None
    assert network.bias.grad is not None
    assert network.weight.grad.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert network.bias.grad.tolist() == [6, 7, 8]
    assert [weight.grad is held for weight, held in zip(network.parameters(), held, strict=True)] == [kept, kept]
