"""Group norm against its formula in plain floats, and examples that do not see each other."""

import math

import pytest
import torch
from torch import nn

from temper.network.group_norm import groups, with_group_norm
from temper.network.resnet import ResNet


def network(connection: str = "residual") -> nn.Module:
    torch.manual_seed(0)
    made = ResNet(3, 4, blocks=[2, 1, 1], widths=[16, 32, 48], connection=connection, bottleneck=False)  # type: ignore[arg-type]
    return with_group_norm(made)


@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
def test_no_example_sees_another(connection: str) -> None:
    made, images = network(connection).train().double(), torch.randn(4, 3, 16, 16).double()
    together = made(images)
    alone = torch.cat([made(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    assert not list(made.buffers()), "nothing is remembered of a batch"


def test_every_norm_is_replaced() -> None:
    plain = ResNet(3, 4, blocks=[2, 1, 1], widths=[16, 32, 48], connection="residual", bottleneck=False)
    names = {name for name, layer in plain.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    weights = sum(weight.numel() for weight in plain.parameters())
    made = with_group_norm(plain)
    assert {name for name, layer in made.named_modules() if isinstance(layer, nn.GroupNorm)} == names
    assert len(names) == 11
    assert sum(weight.numel() for weight in made.parameters()) == weights


def test_is_the_papers_formula() -> None:
    made = with_group_norm(nn.Sequential(nn.BatchNorm2d(32)))
    images = torch.randn(2, 32, 2, 3, dtype=torch.float64)
    found = made.double()(images)
    for example in range(2):
        for group in (range(16), range(16, 32)):
            values = [v for channel in group for v in images[example, channel].flatten().tolist()]
            mean = sum(values) / len(values)
            variance = sum((v - mean) ** 2 for v in values) / len(values)
            first = (images[example, group[0], 0, 0].item() - mean) / math.sqrt(variance + 1e-5)
            assert found[example, group[0], 0, 0].item() == pytest.approx(first, abs=1e-12)


@pytest.mark.parametrize(
    ("channels", "count"), [(1, 1), (4, 1), (16, 1), (31, 1), (32, 2), (33, 1), (34, 2), (64, 4), (512, 32)]
)
def test_groups_have_sixteen_channels_or_more(channels: int, count: int) -> None:
    assert groups(channels) == count
