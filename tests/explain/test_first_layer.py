import pytest
import torch
from tests.explain.conftest import Small, facts
from torch import nn

from temper.explain.first_layer import FirstLayer, first_layer, weight_of
from temper.network.factored import factored
from temper.network.linear import Linear
from temper.network.mlp import MLP

NAMES = tuple(f"x[{index}]" for index in range(64))


def test_filters_are_the_weights() -> None:
    network = Small(channels=3)
    found = first_layer(network, facts(shape=(3, 5, 6)), {}, (), (3, 5, 6))
    assert found is not None
    assert (found.name, found.form, found.labels) == ("conv", "filters", ())
    assert torch.equal(found.weight, network.conv.weight)
    assert not found.weight.requires_grad


def test_rows_lie_on_the_image_and_those_of_a_head_have_names() -> None:
    digits = facts(classes=4, shape=(64,))
    hidden, bare = (MLP((64,), 4, hidden=sizes, between="relu") for sizes in ([6], []))
    found = first_layer(hidden, digits, {}, NAMES, (1, 8, 8))
    assert found is not None
    assert found.name == "hidden.linear1"
    assert found.labels == ()
    assert torch.equal(found.weight[2, 0, 3], hidden.hidden.linear1.weight[2, 24:32])  # type: ignore[union-attr, index]
    found = first_layer(bare, digits, {}, NAMES, (1, 8, 8))
    assert found is not None
    assert found.labels == ("a", "b", "c", "d")
    assert torch.equal(found.weight.flatten(1), bare.head.weight)


def test_a_linear_model_has_coefficients_and_a_table_is_read_feature_by_feature() -> None:
    line = Linear(2)
    found = first_layer(line, facts("regression", 0, (2,)), {}, ("age", "bmi"), None)
    assert found is not None
    assert (found.form, found.labels) == ("coefficients", ("age", "bmi"))
    assert torch.equal(found.weight, line.head.weight[0])
    one = MLP((2,), 1, hidden=[1], between="relu")  # one unit, which is no head
    found = first_layer(one, facts("binary", 2, (2,)), {}, ("age", "bmi"), None)
    assert found is not None
    assert found.form == "readings"
    wide = MLP((2,), 3, hidden=[5], between="relu")
    found = first_layer(wide, facts(classes=3, shape=(2,)), {}, ("age", "bmi"), None)
    assert found is not None
    torch.testing.assert_close(found.weight, wide.hidden.linear1.weight.detach().square().sum(0).sqrt())  # type: ignore[union-attr, operator]


def test_what_lies_on_no_colours_is_told_by_the_filters_before_it_or_not_at_all() -> None:
    network, seen = Small(channels=12), facts(shape=(12, 5, 6), stored_shape=(3, 5, 6))
    assert first_layer(network, seen, {}, (), (12, 5, 6)) is None
    filters = torch.rand(12, 3, 2, 2)
    found = first_layer(network, seen, {"normalize": {"mean": filters}, "whitening": {"filters": filters}}, (), None)
    assert found is not None
    assert found.name == "whitening"
    assert torch.equal(found.weight, filters)
    assert first_layer(MLP((12, 5, 6), 4, hidden=[3], between="relu"), seen, {}, (), (12, 5, 6)) is None


@pytest.mark.parametrize("way", ["channel", "spatial"])
def test_two_layers_of_less_rank_are_the_one_that_they_stand_for(way: str) -> None:
    torch.manual_seed(0)
    network = Small(channels=3, maps=32)
    with torch.no_grad():
        weight = torch.einsum("or,rihw->oihw", torch.randn(32, 2), torch.randn(2, 3, 1, 1) * torch.ones(2, 3, 3, 3))
        network.conv.weight.copy_(weight)
    small = factored(network, way)  # type: ignore[arg-type]
    assert not isinstance(small.conv, nn.Conv2d)
    torch.testing.assert_close(weight_of(small.conv), network.conv.weight.detach())
    linear = MLP((20,), 2, hidden=[20], between="relu")
    with torch.no_grad():
        linear.hidden.linear1.weight.copy_(torch.outer(torch.randn(20), torch.randn(20)))  # type: ignore[union-attr, operator]
    two = factored(linear, "channel").hidden.linear1
    assert not isinstance(two, nn.Linear)
    torch.testing.assert_close(weight_of(two), linear.hidden.linear1.weight.detach())  # type: ignore[union-attr, operator, arg-type]


def test_of_many_the_largest_are_chosen() -> None:
    weight = torch.tensor([1.0, -5.0, 3.0])
    bars = FirstLayer(name="head", form="coefficients", weight=weight, labels=("a", "b", "c"))
    assert bars.largest(2).tolist() == [1, 2]
    filters = FirstLayer(name="conv", form="filters", weight=weight.flip(0).view(3, 1, 1, 1), labels=())
    assert filters.largest(2).tolist() == [0, 1]
