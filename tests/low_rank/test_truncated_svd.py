"""What is cut, when and to which rank: against numpy's decomposition of each matrix, step by step."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.low_rank.conftest import by_loops, rank_of, truncated
from tests.network.conftest import NETWORKS, inputs, network
from torch import nn
from torch.nn import functional as F

from temper.low_rank.truncated_svd import TruncatedSVD
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.quantity import Clock
from temper.strategy import Remover

GOOD = {"rank": 0.25, "energy": None, "start": 0.5, "convolution": "channel"}
BY_ENERGY = {"rank": None, "energy": 0.9}


def at(step: int, net: Layered, callback: Remover, *, starts: bool = False) -> None:
    """Tell ``callback`` that ``step`` steps have been taken."""
    trainer: Any = SimpleNamespace(global_step=step)
    module = nn.Module()
    module.network = net
    if starts:
        callback.on_train_start(trainer, module)  # type: ignore[arg-type]
    else:
        callback.on_train_batch_end(trainer, module, None, None, 0)  # type: ignore[arg-type]


def begun(net: Layered, **knobs: Any) -> Remover:
    """Return the callback that has cut ``net`` before the first step."""
    callback = TruncatedSVD(**GOOD | {"start": 0.0} | knobs).callback(Clock((0, 100)), 0)
    at(0, net, callback, starts=True)
    return callback


def layers(net: Layered) -> dict[str, Any]:
    return {name: layer for name, layer in net.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}


@pytest.mark.parametrize("convolution", ["channel", "spatial"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_cut_is_numpy_s_truncation_of_each_matrix(name: str, convolution: str) -> None:
    whole, cut = network(name), network(name)
    begun(cut, rank=2, convolution=convolution)
    kept = 0
    for layer, now in zip(layers(whole).values(), layers(cut).values(), strict=True):
        rows, columns = by_loops(layer.weight.detach().numpy(), convolution).shape
        smaller = 2 * rows + 2 * columns < rows * columns and layer is not whole.head
        kept += smaller
        expected = truncated(layer.weight, 2, convolution) if smaller else layer.weight
        torch.testing.assert_close(now.weight, expected, rtol=0, atol=1e-12)
        assert layer.bias is None or torch.equal(now.bias, layer.bias)
    assert kept
    small = TruncatedSVD(**GOOD | {"rank": 2, "convolution": convolution}).delivered(cut)
    torch.testing.assert_close(small(inputs(name)), cut(inputs(name)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("rank", "most", "kept"),
    [(0.25, 16, 4), (0.25, 3, 1), (0.25, 10, 2), (0.25, 11, 3), (0.01, 40, 1), (0.99, 9, 9), (1, 9, 1), (16, 9, 9)],
)
def test_a_share_is_of_the_most_and_a_count_is_a_count(rank: float, most: int, kept: int) -> None:
    assert TruncatedSVD(**GOOD | {"rank": rank}).rank_of(torch.ones(most)) == kept


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.floats(0.1, 9, allow_subnormal=False), min_size=1, max_size=7),
    energy=st.floats(0.01, 0.99),
)
def test_by_energy_the_rank_is_the_least_that_keeps_it(values: list[float], energy: float) -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (
        torch.linalg.qr(torch.randn(9, len(values), generator=generator, dtype=torch.float64)).Q for _ in range(2)
    )
    matrix = left @ torch.tensor(values, dtype=torch.float64).diag() @ right.T
    falling = sorted((value * value for value in values), reverse=True)
    least = next(r for r in range(1, len(values) + 1) if sum(falling[:r]) >= energy * sum(falling) - 1e-9)
    assert TruncatedSVD(**GOOD | {"rank": None, "energy": energy}).rank_of(torch.linalg.svdvals(matrix)) == least


@pytest.mark.parametrize(
    ("values", "energy", "rank"),
    [([3, 2, 1], 0.64, 1), ([3, 2, 1], 0.65, 2), ([3, 2, 1], 0.93, 3), ([1, 1, 1, 1], 0.5, 2), ([2, 0, 0], 0.999, 1)],
)
def test_by_energy_in_round_numbers(values: list[float], energy: float, rank: int) -> None:
    record = TruncatedSVD(**GOOD | {"rank": None, "energy": energy})
    assert record.rank_of(torch.tensor(values, dtype=torch.float64)) == rank


def test_by_energy_each_layer_has_a_rank_of_its_own() -> None:
    net = MLP((20,), 3, hidden=[20, 20], between="tanh")
    with torch.no_grad():
        for number, layer in enumerate((net.hidden[0], net.hidden[2]), start=1):
            layer.weight.copy_(torch.tensor([1.0] * number + [0.1] * (20 - number)).diag())  # type: ignore[operator]
    callback = begun(net, **BY_ENERGY, start=0.0)
    # 1 of 1 + 19 · 0.01 = 1.19 is 0.84, with eight more 0.91; 2 of 2.18 is 0.92.
    assert {name: basis.shape[1] for name, basis in callback.bases.items()} == {  # type: ignore[attr-defined]
        "hidden.linear1.weight": 9,  # 9 (20 + 20) is less than 400
        "hidden.linear2.weight": 2,
    }


def learning(net: Layered, lr: float = 0.05) -> Any:
    """Return a function that takes a step of momentum on ten classes of patterns that the images show."""
    generator = torch.Generator().manual_seed(1)
    patterns = torch.randn(10, 3, 8, 8, generator=generator)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)

    def step() -> None:
        target = torch.randint(0, 10, (32,), generator=generator)
        given = patterns[target] + torch.randn(32, 3, 8, 8, generator=generator) / 2
        optimizer.zero_grad()
        F.cross_entropy(net(given), target).backward()
        optimizer.step()

    return step


def nets() -> dict[str, Layered]:
    torch.manual_seed(0)
    return {
        "mlp": MLP((3, 8, 8), 10, hidden=[64, 48], between="relu"),
        "resnet": ResNet(3, 10, blocks=[1, 1], widths=[16, 24], connection="residual", bottleneck=False),
    }


@pytest.mark.parametrize(("name", "convolution"), [("mlp", "channel"), ("resnet", "channel"), ("resnet", "spatial")])
@pytest.mark.parametrize("lr", [0.005, 0.05])
def test_each_step_ends_at_the_truncation_of_what_the_optimizer_left(name: str, convolution: str, lr: float) -> None:
    net = nets()[name]
    step = learning(net, lr)
    for _ in range(10):
        step()
    callback = begun(net, convolution=convolution)
    ranks = {name: basis.shape[1] for name, basis in callback.bases.items()}  # type: ignore[attr-defined]
    assert len(ranks) >= 2
    for number in range(1, 21):
        step()
        left = {name: net.get_parameter(name).clone() for name in ranks}
        at(number, net, callback)
        for key, rank in ranks.items():
            now, exact = net.get_parameter(key).double(), truncated(left[key], rank, convolution)
            assert rank_of(left[key], convolution) > rank == rank_of(now, convolution)
            assert (left[key] - now).abs().max() > 1e-4
            if lr == 0.005:
                torch.testing.assert_close(now, exact, rtol=0, atol=1e-5)
            else:  # after a long step it is as near as the nearest, to a ten-thousandth
                assert (left[key] - now).norm() < 1.0001 * (left[key] - exact).norm()


@pytest.mark.parametrize(("start", "step"), [(0.0, 0), (0.25, 2), (0.5, 5), (1.0, 10)])
def test_cuts_once_it_has_begun(start: float, step: int) -> None:
    net = nets()["mlp"]
    whole = net.get_parameter("hidden.linear1.weight").clone()
    callback = TruncatedSVD(**GOOD | {"start": start}).callback(Clock((0, 10)), 0)
    at(0, net, callback, starts=True)
    for number in range(1, 11):
        is_whole = torch.equal(net.get_parameter("hidden.linear1.weight"), whole)
        assert is_whole == (number - 1 < step)
        assert bool(callback.state_dict()) == (not is_whole)
        at(number, net, callback)
    assert rank_of(net.get_parameter("hidden.linear1.weight")) == 16


def test_looks_at_nothing_between_two_steps() -> None:
    net = nets()["mlp"]
    callback = begun(net)
    weight = net.get_parameter("hidden.linear1.weight")
    other = torch.randn(weight.shape)
    for number, cuts in ((0, False), (1, True), (1, False), (1, False), (2, True)):
        with torch.no_grad():
            weight.copy_(other)
        at(number, net, callback)
        assert torch.equal(weight, other) != cuts


def test_goes_on_with_the_bases_that_were_kept() -> None:
    first, second = nets()["mlp"], nets()["mlp"]
    callback = begun(first)
    step = learning(first)
    for number in range(1, 4):
        step()
        at(number, first, callback)
    second.load_state_dict(first.state_dict())
    resumed = TruncatedSVD(**GOOD | {"start": 0.0}).callback(Clock((0, 100)), 0)
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in callback.state_dict().items()}
    resumed.load_state_dict(kept)
    at(3, second, resumed, starts=True)
    for number in range(4, 7):
        for net, each in ((first, callback), (second, resumed)):
            with torch.no_grad():
                for weight in net.parameters():
                    generator = torch.Generator().manual_seed(number)
                    weight.add_(torch.randn(weight.shape, generator=generator) * 0.01)
            at(number, net, each)
        assert all(torch.equal(one, other) for one, other in zip(first.parameters(), second.parameters(), strict=True))


def test_other_weights_are_cut_to_the_ranks_of_those_that_are_trained() -> None:
    trained, averages = nets()["mlp"], nets()["mlp"]
    callback = begun(trained, **BY_ENERGY | {"energy": 0.4})
    ranks = {name: basis.shape[1] for name, basis in callback.bases.items()}  # type: ignore[attr-defined]
    assert len(set(ranks.values())) == 2
    with torch.no_grad():
        for weight in averages.parameters():
            weight.copy_(torch.randn(weight.shape))
    before = {name: averages.get_parameter(name).clone() for name in ranks}
    callback.remove(averages)
    for name, rank in ranks.items():
        torch.testing.assert_close(
            averages.get_parameter(name).double(), truncated(before[name], rank), rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("knobs", [{"rank": 0.25}, {"rank": None, "energy": 0.5}])
def test_weights_of_zeros_may_begin_and_learn_at_their_rank(knobs: Any) -> None:
    net = nets()["mlp"]
    for weight in net.parameters():
        nn.init.zeros_(weight)
    callback = begun(net, **knobs)
    assert all(torch.isfinite(basis).all() for basis in callback.bases.values())  # type: ignore[attr-defined]
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn(weight.shape))
    at(1, net, callback)
    for name, basis in callback.bases.items():  # type: ignore[attr-defined]
        assert rank_of(net.get_parameter(name)) == basis.shape[1]


def test_tells_what_stays_whole_and_what_became_of_the_others() -> None:
    net = MLP((12,), 10, hidden=[12, 4], between="relu")
    record = TruncatedSVD(**GOOD | {"rank": 4})
    told = "leaves whole what two layers would not make smaller: hidden.linear2 (rank 4 of 4 x 12)"
    assert told in str(record.note(net))
    begun(net, rank=4)
    assert str(record.outcome(record.delivered(net))).endswith("1 layers are two each, of rank 4")
    assert record.note(MLP((12,), 10, hidden=[12], between="relu")) is None
    assert TruncatedSVD(**GOOD | BY_ENERGY).note(net) is None
    with pytest.raises(ValueError, match=r"low_rank\.rank=4: .*in none of hidden\.linear1 \(rank 3 of 3 x 12\).*lower"):
        record.note(MLP((12,), 10, hidden=[3], between="relu"))


def test_tells_of_ranks_that_differ_and_of_none() -> None:
    net = nets()["mlp"]
    record = TruncatedSVD(**GOOD | {"rank": None, "energy": 0.4})
    assert "no layer is smaller as two of low_rank.energy=0.4: all stay whole" in str(record.outcome(net))
    callback = begun(net, rank=None, energy=0.4)
    low, high = sorted(basis.shape[1] for basis in callback.bases.values())  # type: ignore[attr-defined]
    assert low < high
    assert f"2 layers are two each, of ranks {low} to {high}" in str(record.outcome(record.delivered(net)))


@pytest.mark.parametrize(("start", "begins", "settled"), [(0.0, 0, 0), (0.5, 9, 10), (0.1, 1, 2), (1.0, 19, 19)])
def test_begins_and_is_settled_at_its_cut(start: float, begins: int, settled: int) -> None:
    record = TruncatedSVD(**GOOD | {"start": start})
    assert (record.begins(Clock((0, 19))), record.settled(Clock((0, 19)))) == (begins, settled)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"rank": 0}, "rank.*greater than 0"),
        ({"rank": 0.0}, "rank.*greater than 0"),
        ({"rank": 1.0}, "rank.*less than 1"),
        ({"rank": -0.25}, "rank.*greater than 0"),
        ({"rank": None}, r"rank and energy are both null.*such as rank=0\.25"),
        ({"energy": 0.9}, "rank and energy both say how much.*set one of them to null"),
        ({"rank": None, "energy": 0.0}, "energy.*greater than 0"),
        ({"rank": None, "energy": 1.0}, "energy.*less than 1"),
        ({"start": -1e-9}, "start.*greater than or equal to 0"),
        ({"start": 1 + 1e-9}, "start.*less than or equal to 1"),
        ({"convolution": "depthwise"}, "'channel' or 'spatial'"),
    ],
)
def test_refuses(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        TruncatedSVD(**{**GOOD, **knobs})
