"""Batch-norm statistics: held still, or those of the given batches as torch itself computes them."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from temper.network.recompute import recomputed
from temper.network.statistics import (
    frozen_statistics,
    hold_statistics,
    let_statistics_go,
    recompute_statistics,
)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    convolution = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(*convolution, nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5))


def test_frozen_statistics_stay_and_the_output_is_that_of_training() -> None:
    made, inputs = network(), torch.randn(8, 3, 6, 6)
    before = {name: value.clone() for name, value in made.named_buffers()}
    torch.manual_seed(1)
    with frozen_statistics(made):
        held = made(inputs)
    assert all(torch.equal(value, before[name]) for name, value in made.named_buffers())
    torch.manual_seed(1)
    assert torch.equal(made(inputs), held)
    assert not torch.equal(made[1].running_mean, before["1.running_mean"])


def test_recomputed_statistics_are_torchs() -> None:
    ours, batches = network().eval(), [torch.randn(8, 3, 6, 6) * 3 + 1 for _ in range(3)]
    ours[1].train()
    theirs = copy.deepcopy(ours)
    theirs[3] = nn.Identity()  # torch's own drops out while it looks
    recompute_statistics(ours, batches)
    update_bn(batches, theirs)
    for layer in (1, 6):
        torch.testing.assert_close(ours[layer].running_mean, theirs[layer].running_mean)
        torch.testing.assert_close(ours[layer].running_var, theirs[layer].running_var)
        assert ours[layer].momentum == 0.1
    assert [module.training for module in ours] == [False, True, False, False, False, False, False]


def test_without_norms_nothing_is_computed() -> None:
    recompute_statistics(nn.Linear(2, 2), iter(lambda: (_ for _ in ()).throw(AssertionError), None))


def test_a_held_norm_goes_by_what_it_remembers_and_keeps_it() -> None:
    made, inputs = network(), torch.randn(8, 3, 6, 6)
    made(inputs)
    before = {name: value.clone() for name, value in made.named_buffers()}
    expected = copy.deepcopy(made[:3]).eval()(inputs)
    hold_statistics(made[1])
    assert torch.equal(made[:3](inputs), expected)
    with frozen_statistics(made):  # the second gradient of a step
        assert torch.equal(made[:3](inputs), expected)
    second = recomputed(made[:3], (made[:3],), inputs.requires_grad_())
    assert torch.equal(second, expected)
    second.sum().backward()
    recompute_statistics(made, [inputs.detach() * 3, inputs.detach()])
    held = [name for name, value in made.named_buffers() if torch.equal(value, before[name])]
    assert held == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    let_statistics_go(made)
    made(inputs)
    assert not any(torch.equal(value, before[name]) for name, value in made.named_buffers())
