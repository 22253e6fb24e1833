"""Random pruning against torch's own and by its laws: how many, which, and that what was removed stays removed."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.pruning.conftest import CLOCK, NUMEL, Module, Watch, by_the_paper, fit
from torch import Tensor, nn
from torch.nn.utils import prune

from temper.pruning.masks import prunable_weights
from temper.pruning.random import Random

GOOD = {"sparsity": 0.8, "start": 0.1, "end": 0.7, "every": "1%", "scope": "global"}


def masks(
    network: nn.Module, share: float, seed: int = 0, scope: str = "global", **removed: Tensor
) -> dict[str, Tensor]:
    callback = Random(**{**GOOD, "scope": scope}).callback(CLOCK, seed)
    callback.removed = dict(removed)
    callback.renew(network, share)
    return callback.removed


def test_follows_the_paper_s_schedule_and_gives_nothing_back(tmp_path: Path) -> None:
    watch = Watch()
    fit(Module(), [Random(**GOOD).callback(CLOCK, seed=3), watch], tmp_path)
    for step in range(1, 21):
        assert watch.zeros[step] == round(by_the_paper(step, 0.8, 2, 14, 1) * NUMEL), step
    for before, after in zip(watch.patterns, watch.patterns[1:], strict=False):
        assert all((later | ~earlier).all() for earlier, later in zip(before, after, strict=True))


@settings(deadline=None, max_examples=30)
@given(inputs=st.integers(1, 9), outputs=st.integers(1, 9), share=st.floats(0, 0.99), seed=st.integers(0, 2**32 - 1))
def test_a_layer_loses_as_many_as_by_torch_s_own(inputs: int, outputs: int, share: float, seed: int) -> None:
    layer = nn.Linear(inputs, outputs)
    (mask,) = masks(nn.Sequential(layer), share, seed, "layer").values()
    rival = prune.random_unstructured(layer, "weight", amount=share)
    assert int(mask.sum()) == int((rival.weight_mask == 0).sum())


def test_each_weight_has_the_same_chance() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    times = sum(torch.cat([mask.flatten() for mask in masks(network, 0.5, seed).values()]).int() for seed in range(400))
    assert int(times.sum()) == 400 * 10
    assert (times - 200).abs().max() < 50  # five deviations of a coin thrown 400 times
    assert times.unique().numel() > 5


def test_which_go_hangs_on_seed_and_name_alone() -> None:
    one, other = Module(), Module()
    with torch.no_grad():
        for weight in other.network.parameters():
            weight.mul_(-3).add_(1)
    first, second = masks(one.network, 0.5, seed=1), masks(other.network, 0.5, seed=1)
    assert all(torch.equal(first[name], second[name]) for name in prunable_weights(one.network))
    assert any(not torch.equal(first[name], mask) for name, mask in masks(one.network, 0.5, seed=2).items())
    alike = masks(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), 0.5, 1, "layer")
    assert not torch.equal(alike["0.weight"], alike["1.weight"])


@settings(deadline=None, max_examples=30)
@given(
    shares=st.lists(st.floats(0, 0.99), min_size=2, max_size=5).map(sorted),
    seed=st.integers(0, 99),
    scope=st.sampled_from(["global", "layer"]),
    data=st.data(),
)
def test_what_was_removed_stays_removed(shares: list[float], seed: int, scope: str, data: st.DataObject) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    marked = data.draw(st.lists(st.booleans(), min_size=6, max_size=6))  # by another seed or another pruning
    before = {"0.weight": torch.tensor(marked).view(2, 3)}
    for share in shares:
        after = masks(network, share, seed, scope, **before)
        assert all((after[name] | ~mask).all() for name, mask in before.items())
        before = after
    fewest = round(shares[-1] * 10) if scope == "global" else round(shares[-1] * 6) + round(shares[-1] * 4)
    assert sum(int(mask.sum()) for mask in before.values()) >= fewest


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"sparsity": 1.0}, "sparsity.*less than 1"),
        ({"start": 0.71}, r"start must be at most end \(0\.7\)"),
        ({"every": "0"}, "every must be longer than 0"),
        ({"scope": "network"}, "'global' or 'layer'"),
    ],
)
def test_refuses(knobs: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Random(**{**GOOD, **knobs})
