"""The order of examples: a permutation that (seed, epoch) decides, the same in any cut, and where it was left off."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.data.epoch_loader import Batch, Cut, EpochLoader, OnceLoader
from temper.facts import Examples


def examples(count: int) -> Examples:
    return Examples(torch.arange(count).view(-1, 1).float(), torch.arange(count))


def loader(
    count: int, batch_size: int, *, cut: Cut | None = None, drop_last: bool = False, seed: int = 0
) -> EpochLoader:
    return EpochLoader(examples(count), batch_size=batch_size, drop_last=drop_last, cut=cut or Cut(), seed=seed)


def seen(batches: list[Batch]) -> list[int]:
    return [int(target) for batch in batches for target in batch.targets]


def test_epoch_is_a_permutation_and_the_next_another() -> None:
    made = loader(50, 8)
    first, second = list(made), list(made)
    assert len(first) == len(made) == 7
    assert sorted(seen(first)) == sorted(seen(second)) == list(range(50))
    assert seen(first) != seen(second)
    assert seen(list(loader(50, 8))) == seen(first)
    assert seen(list(loader(50, 8, seed=1))) != seen(first)
    assert [len(batch.targets) for batch in first] == [8] * 6 + [2]
    assert [len(batch.targets) for batch in loader(50, 8, drop_last=True)] == [8] * 6


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 40), batch_size=st.integers(1, 12), world=st.integers(1, 3), accumulate=st.integers(1, 3))
def test_pieces_make_the_whole_batch(count: int, batch_size: int, world: int, accumulate: int) -> None:
    whole = list(loader(count, batch_size))
    ranks = [list(loader(count, batch_size, cut=Cut(world=world, rank=r, accumulate=accumulate))) for r in range(world)]
    assert {len(rank) for rank in ranks} == {len(whole) * accumulate}
    for step, batch in enumerate(whole):
        pieces = [ranks[piece % world][step * accumulate + piece // world] for piece in range(world * accumulate)]
        counted = [piece for piece in pieces if piece.rows.share]
        assert seen(counted) == seen([batch])
        # A mean of pieces, each weighted by its share, is the mean of the batch.
        weighted = sum(float(piece.targets.float().mean()) * piece.rows.share for piece in pieces)
        assert weighted / len(pieces) == pytest.approx(float(batch.targets.float().mean()))
        assert all(len(piece.targets) == piece.rows.size > 0 for piece in pieces)


@settings(deadline=None, max_examples=25)
@given(taken=st.integers(0, 30), accumulate=st.integers(1, 2))
def test_goes_on_where_it_was(taken: int, accumulate: int) -> None:
    cut = Cut(accumulate=accumulate)
    one = loader(20, 6, cut=cut)
    stream = (batch for _ in range(10) for batch in one)
    for _ in range(taken):
        next(stream)
    state = one.state_dict()
    other = loader(20, 6, cut=cut)
    other.load_state_dict(state)
    resumed = (batch for _ in range(10) for batch in other)
    for _ in range(12):
        expected, got = next(stream), next(resumed)
        assert expected.rows == got.rows
        assert torch.equal(expected.targets, got.targets)


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 60), world=st.integers(1, 4), batch_size=st.integers(1, 9))
def test_evaluation_sees_each_example_once(count: int, world: int, batch_size: int) -> None:
    found = []
    for rank in range(world):
        for batch in OnceLoader(examples(count), batch_size=batch_size, cut=Cut(world=world, rank=rank)):
            assert len(batch.targets) >= 1
            found += batch.targets[: batch.rows.size].tolist()
    assert found == list(range(count))
