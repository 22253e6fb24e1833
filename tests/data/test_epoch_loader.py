"""The order of examples: what (seed, epoch) decides, the same in any cut, and where it was left off."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temper.data.epoch_loader import Batch, Cut, EpochLoader, OnceLoader, steps_in_epoch
from temper.facts import Examples
from temper.quantity import Clock
from temper.sampling.balanced import Balanced
from temper.sampling.none import NoSampling
from temper.sampling.over import Over
from temper.sampling.under import Under
from temper.sampling.weighted import Weighted
from temper.strategy import Sampling


def examples(count: int) -> Examples:
    return Examples(torch.arange(count).view(-1, 1).float(), torch.arange(count))


def loader(
    count: int, batch_size: int, *, cut: Cut | None = None, drop_last: bool = False, seed: int = 0
) -> EpochLoader:
    steps, sampling = steps_in_epoch(count, batch_size, drop_last), NoSampling()
    return EpochLoader(
        examples(count),
        batch_size=lambda epoch: batch_size,
        clock=Clock((0, steps)),
        sampling=sampling,
        cut=cut or Cut(),
        seed=seed,
    )


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
    stream = (batch for _ in range(11) for batch in one)
    for _ in range(taken):
        next(stream)
    state = one.state_dict()
    other = loader(20, 6, cut=cut)
    other.load_state_dict(state)
    resumed = (batch for _ in range(11) for batch in other)
    for _ in range(12):
        expected, got = next(stream), next(resumed)
        assert expected.rows == got.rows
        assert torch.equal(expected.targets, got.targets)


def sampled(sampling: Sampling, cut: Cut) -> list[Batch]:
    """Return two epochs of 57 examples of three classes, 40, 12 and 5 of them."""
    rows = Examples(torch.arange(57).view(-1, 1), torch.tensor([0] * 40 + [1] * 12 + [2] * 5))
    steps = steps_in_epoch(sampling.size(rows.targets), 10, False)
    made = EpochLoader(rows, batch_size=lambda epoch: 10, clock=Clock((0, steps)), sampling=sampling, cut=cut, seed=4)
    return [*made, *made]


def taken(batches: list[Batch]) -> list[int]:
    return [int(row) for batch in batches if batch.rows.share for row in batch.inputs]


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize(
    "sampling",
    [NoSampling(), Over(), Under(), Balanced(), Weighted(power=0.5, weights=None)],
    ids=lambda each: str(each),
)
def test_two_ranks_sample_what_one_process_does(sampling: Sampling, accumulate: int) -> None:
    whole = sampled(sampling, Cut())
    ranks = [sampled(sampling, Cut(world=2, rank=rank, accumulate=accumulate)) for rank in range(2)]
    assert len(ranks[0]) == len(ranks[1]) == len(whole) * accumulate
    classes = [Counter(seen([each for each in rank if each.rows.share])) for rank in ranks]
    assert classes[0] + classes[1] == Counter(seen(whole))
    assert sorted(taken(ranks[0]) + taken(ranks[1])) == sorted(taken(whole))
    assert len(taken(whole)) == 2 * sampling.size(torch.tensor([0] * 40 + [1] * 12 + [2] * 5))
    middle = len(taken(whole)) // 2
    assert taken(whole)[:middle] != taken(whole)[middle:]


@settings(deadline=None, max_examples=50)
@given(count=st.integers(1, 60), world=st.integers(1, 4), batch_size=st.integers(1, 9))
def test_evaluation_sees_each_example_once(count: int, world: int, batch_size: int) -> None:
    found, lengths = [], set()
    for rank in range(world):
        lengths.add(len(OnceLoader(examples(count), batch_size=batch_size, cut=Cut(world=world, rank=rank))))
        for batch in OnceLoader(examples(count), batch_size=batch_size, cut=Cut(world=world, rank=rank)):
            assert len(batch.targets) >= 1
            found += batch.targets[: batch.rows.size].tolist()
    assert found == list(range(count))
    assert len(lengths) == 1  # ranks meet in each forward pass


def test_batches_may_grow_from_epoch_to_epoch() -> None:
    sizes = (4, 6, 12)
    clock = Clock((0, 3, 5, 6))
    made = EpochLoader(
        examples(12), batch_size=lambda e: sizes[min(e, 2)], clock=clock, sampling=NoSampling(), cut=Cut(), seed=0
    )
    epochs = [list(made) for _ in range(4)]
    assert [[len(batch.targets) for batch in epoch] for epoch in epochs] == [[4] * 3, [6] * 2, [12], [12]]
    assert [batch.rows.number for epoch in epochs for batch in epoch] == list(range(7))
    assert all(sorted(seen(epoch)) == list(range(12)) for epoch in epochs)
