"""Which parameters decay, by hand, for every layer that has a name for its biases."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from temper.groups.no_norm_no_bias import NoNormNoBias


def split(module: nn.Module) -> tuple[set[str], set[str]]:
    groups = NoNormNoBias().build(module)
    by_decay = {group.decay: set(group.names) for group in groups}
    assert all(group.rate == 1.0 for group in groups)
    return by_decay.get(1.0, set()), by_decay.get(0.0, set())


@pytest.mark.parametrize(
    ("layer", "weights"),
    [
        (nn.Linear(2, 2), {"weight"}),
        (nn.Conv2d(2, 2, 3), {"weight"}),
        (nn.Embedding(3, 2), {"weight"}),
        (nn.MultiheadAttention(4, 2, add_bias_kv=True), {"in_proj_weight", "out_proj.weight"}),
        (nn.LSTM(2, 3), {"weight_ih_l0", "weight_hh_l0"}),
        (nn.BatchNorm1d(2), set()),
        (nn.BatchNorm2d(2), set()),
        (nn.BatchNorm3d(2), set()),
        (nn.SyncBatchNorm(2), set()),
        (nn.InstanceNorm1d(2, affine=True), set()),
        (nn.InstanceNorm2d(2, affine=True), set()),
        (nn.InstanceNorm3d(2, affine=True), set()),
        (nn.GroupNorm(1, 2), set()),
        (nn.LayerNorm((2, 2)), set()),
        (nn.RMSNorm((2, 2)), set()),
        (nn.PReLU(), set()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_only_weights_decay(layer: nn.Module, weights: set[str]) -> None:
    everything = {name for name, _ in layer.named_parameters()}
    assert everything
    assert split(layer) == (weights, everything - weights)


def test_weights_stand_first_in_the_module_s_order() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))
    weights, others = NoNormNoBias().build(net)
    assert weights.names == ("0.weight", "2.weight")
    assert others.names == ("0.bias", "1.weight", "1.bias", "2.bias")
    assert [id(p) for p in others.parameters] == [id(net.get_parameter(name)) for name in others.names]


@settings(deadline=None, max_examples=25)
@given(frozen=st.sets(st.integers(0, 5)), tied=st.booleans())
def test_each_parameter_that_learns_is_there_once(frozen: set[int], tied: bool) -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    if tied:
        net[2].weight = net[0].weight
    for at, parameter in enumerate(net.parameters()):
        parameter.requires_grad_(at not in frozen)
    groups = NoNormNoBias().build(net)
    held = [id(parameter) for group in groups for parameter in group.parameters]
    assert sorted(held) == sorted(id(parameter) for parameter in net.parameters() if parameter.requires_grad)
    assert all(group.parameters for group in groups)


def test_a_learned_weight_of_a_term_does_not_decay() -> None:
    module = nn.ModuleDict({"weigher": nn.ParameterDict({"log_variance": torch.zeros(())})})
    assert split(module) == (set(), {"weigher.log_variance"})
