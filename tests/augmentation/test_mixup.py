"""Mixup against plain convex sums, and its shares against the Beta distribution's moments."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.augmentation.mixup import Mixup


@pytest.mark.parametrize("shape", [(2, 3, 3), (4,)])
@pytest.mark.parametrize("soft", [(5,), ()])
def test_blends_with_the_partner_by_hand(shape: tuple[int, ...], soft: tuple[int, ...]) -> None:
    inputs, targets = torch.rand(6, *shape, dtype=torch.float64), torch.rand(6, *soft, dtype=torch.float64)
    before = inputs.clone(), targets.clone()
    mixup = Mixup(alpha=1.0)
    drawn = mixup.draw([6], shape, torch.Generator().manual_seed(1))
    mixed, goals = mixup.apply(inputs, targets, drawn)
    for i, (ahead, share) in enumerate(zip(drawn["ahead"].tolist(), drawn["share"].tolist(), strict=True)):
        j = i + ahead
        torch.testing.assert_close(mixed[i], share * before[0][i] + (1 - share) * before[0][j])
        torch.testing.assert_close(goals[i], share * before[1][i] + (1 - share) * before[1][j])
    assert torch.equal(inputs, before[0])
    assert torch.equal(targets, before[1])


@settings(deadline=None, max_examples=10)
@given(alpha=st.sampled_from([1e-4, 0.01, 0.2, 1.0, 8.0]))
def test_shares_have_the_moments_of_beta(alpha: float) -> None:
    share = Mixup(alpha=alpha).draw([10000, 10000], (1,), torch.Generator().manual_seed(0))["share"].double()
    assert share.isfinite().all()
    assert share.mean().item() == pytest.approx(0.5, abs=0.02)
    assert share.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.01)


def test_partners_are_a_permutation_of_their_part() -> None:
    ahead = Mixup(alpha=1.0).draw([5, 3, 8], (1,), torch.Generator().manual_seed(0))["ahead"]
    partners = [(part + torch.arange(len(part))).tolist() for part in ahead.split([5, 3, 8])]
    assert [sorted(part) for part in partners] == [list(range(n)) for n in (5, 3, 8)]


def test_a_part_by_itself_is_mixed_as_in_the_whole_batch() -> None:
    inputs, targets, mixup = torch.rand(8, 4), torch.rand(8), Mixup(alpha=1.0)
    drawn = mixup.draw([5, 3], (4,), torch.Generator().manual_seed(0))
    whole, _ = mixup.apply(inputs, targets, drawn)
    alone, _ = mixup.apply(inputs[5:], targets[5:], {name: rows[5:] for name, rows in drawn.items()})
    assert torch.equal(whole[5:], alone)


def test_the_same_generator_gives_the_same_draw_and_the_next_another() -> None:
    generator = torch.Generator().manual_seed(3)
    first = Mixup(alpha=1.0).draw([9], (1,), generator)
    later = Mixup(alpha=1.0).draw([9], (1,), generator)
    again = Mixup(alpha=1.0).draw([9], (1,), torch.Generator().manual_seed(3))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["share"], later["share"])


@pytest.mark.parametrize("bad", [0.0, -1.0, float("inf")])
def test_refuses(bad: float) -> None:
    with pytest.raises(ValidationError, match="alpha"):
        Mixup(alpha=bad)
