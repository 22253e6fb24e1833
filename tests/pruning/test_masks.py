"""What prunings share: the smallest against a sort by hand, what counts as a weight, and masks that hold."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pruning.conftest import Module
from torch import nn

from temper.pruning.masks import Masks, prunable_weights, smallest, smallest_within


def by_hand(values: list[float], count: int, gone: set[int]) -> set[int]:
    order = sorted(range(len(values)), key=lambda at: (at not in gone, abs(values[at]), at))
    return set(order[: max(count, len(gone))])


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), min_size=2, max_size=24),
    share=st.floats(0, 0.99),
    cut=st.integers(1, 23),
    data=st.data(),
)
def test_the_smallest_are_those_of_a_sort_by_hand(
    values: list[float], share: float, cut: int, data: st.DataObject
) -> None:
    cut = min(cut, len(values) - 1)
    gone = data.draw(st.sets(st.integers(0, len(values) - 1)))
    weights = {"a": torch.tensor(values[:cut]), "b": torch.tensor(values[cut:])}
    marked = torch.tensor([at in gone for at in range(len(values))])
    masks = smallest(weights, share, {"a": marked[:cut], "b": marked[cut:]})
    found = torch.cat([masks["a"], masks["b"]]).nonzero().flatten().tolist()
    assert set(found) == by_hand(values, round(share * len(values)), gone)


def test_the_masks_of_a_checkpoint_hold_whatever_the_weights_are() -> None:
    module, callback = Module(), Masks({}, lambda network, share, removed: {})
    largest = module.network[3].weight.abs() > 0.2
    assert largest.any()
    callback.load_state_dict({"3.weight": largest})
    callback.on_train_start(type("At", (), {"global_step": 3})(), module)
    assert (module.network[3].weight[largest] == 0).all()


def test_weights_that_layers_share_are_counted_once() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    assert list(prunable_weights(network)) == ["0.weight"]


def test_scopes_differ_in_what_is_compared() -> None:
    weights = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])}
    found = {scope: smallest_within(scope, weights, 0.5, {}) for scope in ("global", "layer")}
    assert {name: mask.tolist() for name, mask in found["global"].items()} == {"a": [True, True], "b": [False, False]}
    assert {name: mask.tolist() for name, mask in found["layer"].items()} == {"a": [True, False], "b": [True, False]}
