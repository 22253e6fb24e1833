"""Lengths and ratios of whole layers, and which groups they count for."""

import pytest
import torch
from tests.optimizer.conftest import group
from torch import nn

from temper.optimizer.layerwise import layerwise_groups, lengths, ratios


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_lengths_are_not_rounded_to_the_weights_type(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(40, 50).to(dtype), torch.randn(7).to(dtype)]
    found = lengths(tensors)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert found.tolist() == pytest.approx([each.double().norm().item() for each in tensors], rel=1e-6)


def test_ratios_are_one_where_a_length_is_zero() -> None:
    found = ratios(torch.tensor([3.0, 0.0, 3.0, 0.0]), torch.tensor([2.0, 2.0, 0.0, 0.0]))
    assert [each.item() for each in found] == [1.5, 1.0, 1.0, 1.0]


def test_lengths_count_where_weights_decay() -> None:
    weights = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    groups = [group(weights[0]), group(weights[1], decay=0.0), group(weights[2], rate=0.5, decay=2.0)]
    for weight_decay in (0.0, 0.1):  # what a group's multiple is multiplied by does not matter
        made = layerwise_groups(groups, 0.2, weight_decay)
        assert [each["adapts"] for each in made] == [True, False, True]
        assert [each["lr"] for each in made] == [0.2, 0.2, 0.1]
