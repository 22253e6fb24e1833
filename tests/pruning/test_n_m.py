"""N:M sparsity against loops in plain floats, in a real Trainer, and what it leaves whole."""

import math
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.pruning.conftest import CLOCK, Module, Watch, fit
from torch import nn

from temper.pruning.n_m import NM, smallest_of_groups
from temper.quantity import Clock

GOOD = {"n": 2, "m": 4, "start": 0.5}
FEW = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])


def by_hand(weight: list, n: int, m: int, gone: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """Return the places removed of a weight (out, in, k) in nested lists."""
    removed = set(gone)
    outputs, inputs, places = range(len(weight)), len(weight[0]), range(len(weight[0][0]))
    for output, place, start in product(outputs, places, range(0, inputs, m)):
        group = [(output, start + number, place) for number in range(m)]
        order = sorted(group, key=lambda at: (at not in gone, abs(weight[at[0]][at[1]][at[2]])))  # sorting keeps order
        removed |= set(order[: m - n])
    return removed


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n=st.integers(1, 3), more=st.integers(1, 3), groups=st.integers(1, 3), places=st.integers(1, 3))
def test_removes_what_loops_in_plain_floats_do(
    data: st.DataObject, n: int, more: int, groups: int, places: int
) -> None:
    m, outputs = n + more, 2
    shape = (outputs, groups * m, places)
    values = data.draw(st.lists(FEW, min_size=math.prod(shape), max_size=math.prod(shape)))
    gone = data.draw(st.lists(st.booleans(), min_size=math.prod(shape), max_size=math.prod(shape)))
    weight, marked = torch.tensor(values).view(shape), torch.tensor(gone).view(shape)
    before = {tuple(at) for at in marked.nonzero().tolist()}
    for removed, known in ((None, set()), (marked, before)):
        mask = smallest_of_groups(weight, n, m, removed)
        assert mask.shape == weight.shape
        assert {tuple(at) for at in mask.nonzero().tolist()} == by_hand(weight.tolist(), n, m, known)
    flat = smallest_of_groups(weight[:, :, 0], n, m, None)
    assert torch.equal(flat, smallest_of_groups(weight[:, :, :1], n, m, None)[:, :, 0])


def test_two_of_four_are_those_of_the_paper_s_picture() -> None:
    weight = torch.tensor([[0.1, -2.0, 0.5, 3.0, 1.0, 1.0, 1.0, 1.0]])
    kept = weight.masked_fill(smallest_of_groups(weight, 2, 4, None), 0.0)
    assert kept.tolist() == [[0.0, -2.0, 0.0, 3.0, 0.0, 0.0, 1.0, 1.0]]
    kernel = torch.arange(1.0, 17.0).view(1, 4, 2, 2)  # each place of the kernel has its group of four channels
    kept = kernel.masked_fill(smallest_of_groups(kernel, 1, 4, None), 0.0)
    assert kept.flatten().tolist() == [0.0] * 12 + [13.0, 14.0, 15.0, 16.0]


def test_is_removed_at_its_step_and_stays_so(tmp_path: Path) -> None:
    watch, module, record = Watch(), Module(), NM(**GOOD)
    fit(module, [record.callback(CLOCK, seed=0), watch], tmp_path)
    assert [watch.zeros[step] for step in range(1, 21)] == [0] * 9 + [16 * 9 // 2] * 11
    assert watch.patterns[9][1].equal(watch.patterns[-1][1])
    groups = (module.network[3].weight != 0).reshape(-1, 4).sum(1)
    assert groups.tolist() == [2] * 36
    assert (module.network[0].weight != 0).all()  # sees one channel
    assert (module.network[5].weight != 0).all()  # has 9 inputs
    assert record.settled(CLOCK) == 10
    assert record.begins(CLOCK) == 10
    assert record.settled(Clock((0, 9))) == 5  # removed at 4.5, rounded down


def test_tells_what_stays_whole() -> None:
    module = Module()
    assert NM(**GOOD).note(module.network) == (
        "pruning=n_m leaves whole what has inputs that do not divide by pruning.m=4: 0 (1), 5 (9)"
    )
    assert NM(**GOOD).note(nn.Sequential(nn.Linear(8, 3))) is None
    transposed = nn.Sequential(nn.Linear(8, 3), nn.ConvTranspose1d(4, 4, 2))
    NM(**{**GOOD, "start": 0.0}).callback(CLOCK, seed=0).renew(transposed, 0.5)
    with pytest.raises(
        ValueError, match=r"pruning\.m=5: no layer.* they are 0 \(1\), 3 \(16\), 5 \(9\): lower pruning\.m"
    ):
        NM(**{**GOOD, "m": 5}).note(module.network)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"n": 4}, r"n must be less than m \(4\), not 4"),
        ({"n": 0}, "n.*greater than 0"),
        ({"m": 2}, r"n must be less than m \(2\)"),
        ({"start": 1.0000001}, "start.*less than or equal to 1"),
        ({"m": 4.0}, "m.*valid integer"),
    ],
)
def test_refuses(knobs: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        NM(**{**GOOD, **knobs})
