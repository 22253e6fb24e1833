"""Synchronized batch norm on two threads that stand for processes, against batch norm of all examples at once."""

import pytest
import torch
from torch import Tensor, nn

from temper.network import synced_norm
from temper.network.statistics import frozen_statistics, recompute_statistics
from temper.network.synced_norm import SyncedBatchNorm, with_synced_norm


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Let a norm believe that another process has told the rows of the list, of which it takes the next."""
    told: list[Tensor] = []
    monkeypatch.setattr(synced_norm.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(synced_norm.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(synced_norm.dist, "get_rank", lambda: 0)

    def with_the_other(rows: Tensor) -> Tensor:
        other = torch.zeros_like(rows)
        other[1] = told.pop(0).to(rows.dtype)
        return rows + other

    monkeypatch.setattr(synced_norm, "all_reduce", with_the_other)
    return told


def said_of(values: Tensor) -> Tensor:
    variance, mean = torch.var_mean(values, dim=(0, 2, 3), correction=0)
    return torch.cat([mean, variance, torch.tensor([values.numel() / values.shape[1]])])


def pair() -> tuple[SyncedBatchNorm, nn.BatchNorm2d]:
    torch.manual_seed(0)
    theirs = nn.BatchNorm2d(3)
    nn.init.uniform_(theirs.weight, 0.5, 2.0)
    nn.init.normal_(theirs.bias)
    ours = SyncedBatchNorm(3)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def test_is_batch_norm_of_the_examples_of_both(two: list[Tensor]) -> None:
    ours, theirs = pair()
    mine, others = 3 + 2 * torch.randn(4, 3, 5, 2), torch.randn(7, 3, 5, 2) - 1  # of unlike counts, means and spreads
    two.append(said_of(others))
    found, wanted = ours(mine), theirs(torch.cat([mine, others]))[:4]
    torch.testing.assert_close(found, wanted)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)


def test_takes_bf16_and_gives_it_back(two: list[Tensor]) -> None:
    ours, theirs = pair()
    mine, others = torch.randn(4, 3, 5, 2).bfloat16(), torch.randn(4, 3, 5, 2)
    two.append(said_of(others))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = ours(mine)
    wanted = theirs(torch.cat([mine.float(), others]))[:4]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=1e-2, atol=1e-2)


def test_statistics_are_left_alone_where_they_are_to_be(two: list[Tensor]) -> None:
    ours, _ = pair()
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    two.append(said_of(torch.randn(4, 3, 5, 2)))
    with frozen_statistics(ours):
        ours(torch.randn(4, 3, 5, 2))
    assert not two, "it still asked the other"
    assert all(torch.equal(ours.state_dict()[name], value) for name, value in before.items())


def test_asks_nobody_in_evaluation_and_alone(two: list[Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair()
    images = torch.randn(4, 3, 5, 2)
    assert torch.equal(ours.eval()(images), theirs.eval()(images))
    monkeypatch.setattr(synced_norm.dist, "get_world_size", lambda: 1)
    assert torch.equal(ours.train()(images), theirs.train()(images))


def test_statistics_made_right_are_those_of_one_process(two: list[Tensor]) -> None:
    ours, theirs = pair()
    batches = [torch.randn(4, 3, 5, 2) + shift for shift in range(3)]
    recompute_statistics(ours, batches)
    recompute_statistics(theirs, batches)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    two.append(said_of(batches[0]))
    ours(batches[0])
    assert not two, "and then it asks again"


def test_replaces_every_batch_norm_and_no_other() -> None:
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(4), nn.GroupNorm(2, 4)), nn.BatchNorm1d(5))
    made = [type(layer) for layer in with_synced_norm(net).modules() if not isinstance(layer, nn.Sequential)]
    assert made == [SyncedBatchNorm, SyncedBatchNorm, nn.GroupNorm, nn.BatchNorm1d]
