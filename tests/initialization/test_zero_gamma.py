"""Residual blocks start as their shortcuts, learn from there, and nothing else is touched; who is refused."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from temper.command.job import Job
from temper.initialization.zero_gamma import ZeroGamma
from temper.network.block import ResidualBlock
from temper.network.group_norm import with_group_norm
from temper.network.resnet import ResNet
from temper.refusal import Refusal


def resnet(bottleneck: bool = False) -> ResNet:
    torch.manual_seed(0)
    return ResNet(3, 10, blocks=[2, 1], widths=[4, 8], connection="residual", bottleneck=bottleneck)


@pytest.mark.parametrize(("bottleneck", "last"), [(False, "norm2"), (True, "norm3")])
def test_touches_the_last_norm_of_each_block_alone(bottleneck: bool, last: str) -> None:
    network, untouched = resnet(bottleneck), resnet(bottleneck)
    ZeroGamma().apply(network)
    changed = [
        name
        for (name, mine), theirs in zip(network.named_parameters(), untouched.parameters(), strict=True)
        if not torch.equal(mine, theirs)
    ]
    assert changed == [f"stages.{stage}.{block}.body.{last}.weight" for stage, block in ((0, 0), (0, 1), (1, 0))]
    assert all(network.get_parameter(name).count_nonzero() == 0 for name in changed)


@pytest.mark.parametrize("grouped", [False, True])
def test_each_block_is_its_shortcut(grouped: bool) -> None:
    network = with_group_norm(resnet()) if grouped else resnet()
    ZeroGamma().apply(network)
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            channels = block.body.conv1.in_channels
            inputs = torch.randn(2, channels, 8, 8)
            torch.testing.assert_close(block(inputs), F.relu(block.shortcut(inputs)))


def test_each_block_joins_with_the_first_step() -> None:
    network = resnet()
    ZeroGamma().apply(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(2):
        optimizer.zero_grad()
        F.cross_entropy(network(torch.randn(8, 3, 8, 8)), torch.arange(8)).backward()
        for block in (each for each in network.modules() if isinstance(each, ResidualBlock)):
            assert block.body.norm2.weight.grad.count_nonzero() > 0
            assert bool(block.body.conv1.weight.grad.count_nonzero()) == (step > 0)
        optimizer.step()


def test_refuses_a_network_without_such_blocks() -> None:
    with pytest.raises(ValueError, match=r"zero_gamma .* has none: choose task=cifar_resnet task\.connection=residual"):
        ZeroGamma().apply(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("task=mlp",), "task=mlp has none: choose task=cifar_resnet, or initialization=default"),
        (("task=linear_regression",), "task=linear_regression has none: choose task=cifar_resnet"),
        *(
            (
                ("task=cifar_resnet", f"task.connection={each}"),
                f"task.connection={each} have none: choose task.connection",
            )
            for each in ("plain", "dense", "preactivation")
        ),
    ],
)
def test_is_refused_before_any_work(words: tuple[str, ...], named: str, job_of: Callable[..., Job]) -> None:
    with pytest.raises(Refusal, match="initialization=zero_gamma") as refused:
        job_of(*words, "initialization=zero_gamma")
    assert named in str(refused.value)
    assert job_of("task=cifar_resnet", "initialization=zero_gamma").experiment.initialization == ZeroGamma()
