"""The small network answers as the masked one, for any mask, and is smaller by what is counted by hand."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.conftest import NETWORKS, inputs, network
from torch import nn

from temper.network.compacted import compacted
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.report.measure import multiply_adds, parameter_counts


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(NETWORKS)), data=st.data())
def test_answers_as_the_masked_network(name: str, data: st.DataObject) -> None:
    masked = network(name)
    for units in masked.units():
        units.remove(torch.tensor(data.draw(st.lists(st.booleans(), min_size=len(units), max_size=len(units)))))
    before, gone = copy.deepcopy(masked.state_dict()), [units.removed() for units in masked.units()]
    small = compacted(masked)
    assert all(torch.equal(masked.state_dict()[key], value) for key, value in before.items())
    for one in gone:
        one[0] &= not one.all()  # a layer keeps a unit
    assert [len(units) for units in small.units()] == [int((~one).sum()) for one in gone]
    assert torch.allclose(small(inputs(name)), masked(inputs(name)), rtol=1e-6, atol=1e-6)
    for pair in (masked, small):  # and so it does where it learns
        pair.train()
    assert torch.allclose(small(inputs(name)), masked(inputs(name)), rtol=1e-6, atol=1e-6)
    for units, twins, one in zip(small.units(), masked.units(), gone, strict=True):
        for norm, twin in zip(units.norms, twins.norms, strict=True):
            for kept, whole in ((norm.running_mean, twin.running_mean), (norm.running_var, twin.running_var)):
                assert torch.allclose(kept, whole[~one], rtol=1e-6, atol=1e-6)  # type: ignore[arg-type,index]
    if not any(units.removed().any() for units in small.units()):
        assert parameter_counts(small) == (parameter_counts(masked)[1],) * 2


def test_a_perceptron_is_smaller_by_what_is_counted_by_hand() -> None:
    masked = MLP((4,), 2, hidden=[5, 3], between="tanh")
    first, second = masked.units()
    first.remove(torch.tensor([True, False, False, True, False]))
    second.remove(torch.tensor([False, True, False]))
    small = compacted(masked)
    assert parameter_counts(masked)[0] == (4 + 1) * 5 + (5 + 1) * 3 + (3 + 1) * 2
    assert parameter_counts(small)[0] == (4 + 1) * 3 + (3 + 1) * 2 + (2 + 1) * 2
    assert multiply_adds(masked, (4,))[0] == 4 * 5 + 5 * 3 + 3 * 2
    assert multiply_adds(small, (4,))[0] == 4 * 3 + 3 * 2 + 2 * 2
    assert torch.equal(small.head.weight, masked.head.weight[:, [0, 2]])
    assert [str(layer) for layer in small.hidden if isinstance(layer, nn.Linear)] == [
        "Linear(in_features=4, out_features=3, bias=True)", "Linear(in_features=3, out_features=2, bias=True)",
    ]  # fmt: skip


def test_a_residual_block_is_smaller_by_what_is_counted_by_hand() -> None:
    masked = ResNet(3, 2, blocks=[1], widths=[4], connection="residual", bottleneck=False)
    (units,) = masked.units()
    units.remove(torch.tensor([True, True, False, True]))
    small = compacted(masked)
    stem, norm, head, pixels = 3 * 4 * 9, 2 * 4, 4 * 2 + 2, 8 * 8
    assert parameter_counts(masked)[0] == stem + norm + 4 * 4 * 9 + 2 * 4 + 4 * 4 * 9 + norm + head
    assert parameter_counts(small)[0] == stem + norm + 4 * 1 * 9 + 2 * 1 + 1 * 4 * 9 + norm + head
    assert multiply_adds(masked, (3, 8, 8))[0] == pixels * (stem + 2 * 4 * 4 * 9) + 4 * 2
    assert multiply_adds(small, (3, 8, 8))[0] == pixels * (stem + 2 * 4 * 1 * 9) + 4 * 2


def test_a_network_of_which_nothing_is_removed_is_copied() -> None:
    whole = network("convnet gelu 3 added")
    same = compacted(whole)
    assert same is not whole
    assert same.head.weight is not whole.head.weight
    assert all(torch.equal(same.state_dict()[key], value) for key, value in whole.state_dict().items())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_keeps_the_layout_in_memory_and_what_learns(layout: torch.memory_format) -> None:
    masked = network("convnet gelu 3 added").to(memory_format=layout)
    for units in masked.units():
        units.remove(torch.arange(len(units)) == 1)
    small = compacted(masked)
    assert parameter_counts(small)[0] < parameter_counts(masked)[0]
    assert all(weight.is_contiguous(memory_format=layout) for weight in small.parameters() if weight.dim() == 4)
    learns = {name: weight.requires_grad for name, weight in masked.named_parameters()}
    assert {name: weight.requires_grad for name, weight in small.named_parameters()} == learns
    assert len(set(learns.values())) == 2
