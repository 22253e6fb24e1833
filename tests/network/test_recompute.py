"""A network that computes activations twice against one that keeps them: the same steps, for less memory."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from temper import bf16
from temper.benchmark.memory import kept_bytes
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.recompute import recomputed
from temper.network.resnet import ResNet
from temper.network.statistics import frozen_statistics


def perceptron() -> Layered:
    return MLP((3, 8, 8), 4, hidden=[16, 16, 16], between="gelu", dropout=0.3)


def resnet(connection: Any, **knobs: float) -> Layered:
    return ResNet(3, 4, blocks=[2, 1], widths=[8, 16], connection=connection, bottleneck=False, **knobs)


NETWORKS: dict[str, Callable[[], Layered]] = {
    "mlp": perceptron,
    "residual": lambda: resnet("residual", dropout=0.3, stochastic_depth=0.5),
    "preactivation": lambda: resnet("preactivation", dropout=0.3, stochastic_depth=0.5),
    "plain": lambda: resnet("plain", dropout=0.3),
    "dense": lambda: resnet("dense", dropout=0.3),
}


def trained(network: Layered, steps: int = 5) -> dict[str, Tensor]:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        torch.manual_seed(step)
        network(torch.randn(6, 3, 8, 8)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return network.state_dict()


def twins(name: str) -> tuple[Layered, Layered]:
    torch.manual_seed(0)
    plain = NETWORKS[name]()
    other = copy.deepcopy(plain)
    other.recompute()
    return plain, other


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> set[str]:
    assert one.keys() == other.keys()
    return {key for key in one if not torch.equal(one[key], other[key])}


@pytest.mark.parametrize("name", NETWORKS)
def test_takes_the_same_steps_to_the_bit(name: str) -> None:
    plain, other = twins(name)
    start = {key: value.clone() for key, value in plain.state_dict().items()}
    end = trained(plain)
    assert differing(end, trained(other)) == set()
    assert differing(start, end) == set(start)  # weights, statistics and how many batches they have seen


@pytest.mark.parametrize("name", ["mlp", "residual"])
def test_takes_the_same_steps_compiled(name: str) -> None:
    plain, other = twins(name)
    for each in (plain, other):
        each.compile()
    one, second = trained(plain, 3), trained(other, 3)
    for key in one:
        torch.testing.assert_close(second[key], one[key], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "share"), [("mlp", 0.75), ("residual", 0.6), ("preactivation", 0.6), ("plain", 0.6), ("dense", 0.6)]
)
def test_keeps_less(name: str, share: float) -> None:
    plain, other = twins(name)
    inputs = torch.randn(6, 3, 8, 8)
    assert kept_bytes(other, inputs) < share * kept_bytes(plain, inputs)


def test_draws_go_on_where_they_would_have() -> None:
    plain, other = twins("mlp")
    following = []
    for each in (plain, other):
        torch.manual_seed(3)
        each(torch.ones(2, 3, 8, 8)).sum().backward()
        following.append(torch.rand(4))
    assert torch.equal(*following)


def test_a_pass_that_holds_statistics_still_holds_them_in_the_second_run() -> None:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    before = {name: value.clone() for name, value in made.named_buffers()}
    inputs = torch.randn(4, 3, 6, 6)
    with frozen_statistics(made):
        kept, twice = made(inputs), recomputed(made, (made,), inputs)
    gradients = [torch.autograd.grad(each.square().sum(), list(made.parameters())) for each in (kept, twice)]
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)
    assert all(torch.equal(value, before[name]) for name, value in made.named_buffers())
    assert made[1].track_running_stats


def test_evaluation_is_left_alone() -> None:
    plain, other = (each.eval() for each in twins("residual"))
    inputs = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(plain(inputs), other(inputs))
    with torch.inference_mode():
        assert torch.equal(plain(inputs), other(inputs))


def test_features_are_tapped_as_before() -> None:
    plain, other = twins("residual")
    seen: list[Tensor] = []
    for each in (plain, other):
        each.get_submodule("stages.1").register_forward_hook(lambda module, inputs, output: seen.append(output))
        torch.manual_seed(0)
        each(torch.ones(2, 3, 8, 8)).sum().backward()
    assert len(seen) == 2
    assert torch.equal(*seen)


def test_takes_products_in_the_second_run_as_in_the_first() -> None:
    seen = []

    class Looking(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            seen.append(bf16.within() is bf16.Rounded)
            return super().forward(inputs)

    block = Looking(3, 3)
    with bf16.Rounded():
        answer = recomputed(block, (block,), torch.randn(2, 3))
    answer.sum().backward()
    answer = recomputed(block, (block,), torch.randn(2, 3))
    answer.sum().backward()
    assert seen == [True, True, False, False]
