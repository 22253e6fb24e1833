"""The difference in plain numbers, and who takes how long."""

import math
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from temper.export import checking
from temper.export.checking import BATCHES, difference, in_batches, latencies
from temper.facts import Facts, Kind
from temper.quantity import Clock


def facts(kind: Kind, mean: float = 0.0) -> Facts:
    return Facts(
        kind=kind,
        shape=(1,),
        outputs=1,
        classes=0,
        examples=2,
        class_counts=(),
        clock=Clock((0, 1)),
        target_mean=mean,
    )


def off_by(value: float, row: int) -> Callable[[Tensor], Tensor]:
    """Return what answers with its inputs, of which one row of those in twos is off."""

    def answer(inputs: Tensor) -> Tensor:
        answers = inputs.clone()
        if len(inputs) == 2:
            answers[row] += value
        return answers

    return answer


def test_a_probability_counts_as_it_is_and_a_value_by_what_the_network_says() -> None:
    batches = [torch.tensor([0.25]), torch.tensor([0.5, 0.75])]
    assert difference(off_by(0.0, 0), batches, batches, facts("multiclass")) == 0.0
    assert difference(off_by(-0.125, 1), batches, batches, facts("multiclass")) == 0.125
    values = [torch.tensor([1000.0]), torch.tensor([1002.0, 1001.0])]
    assert difference(off_by(0.5, 0), values, values, facts("regression", mean=1000.0)) == 0.25
    assert difference(off_by(0.5, 0), values, values, facts("regression")) == pytest.approx(0.5 / 1002)
    flat = [torch.tensor([3.0]), torch.tensor([3.0, 3.0])]
    assert difference(off_by(0.5, 0), flat, flat, facts("regression", mean=3.0)) == 0.5


def test_of_whole_numbers_the_mean_counts() -> None:
    batches = [torch.tensor([0.25]), torch.tensor([0.5, 0.75])]
    assert difference(off_by(-0.125, 1), batches, batches, facts("multiclass"), rounds=True) == 0.125 / 3
    assert math.isnan(difference(off_by(math.nan, 1), batches, batches, facts("multiclass"), rounds=True))


def test_no_number_and_another_shape_are_never_near() -> None:
    batches = [torch.ones(1, 3), torch.ones(2, 3)]
    assert difference(lambda inputs: inputs[:, :1], batches, batches, facts("multiclass")) == math.inf
    assert math.isnan(difference(off_by(math.nan, 1), batches, batches, facts("multiclass")))


@pytest.mark.parametrize("count", [1, 100, 330])
def test_every_batch_is_full_however_few_the_examples(count: int) -> None:
    batches = in_batches(torch.arange(count))
    assert tuple(map(len, batches)) == BATCHES
    assert {1} < set(BATCHES)
    assert set(torch.cat(batches).tolist()) == set(range(count))


def test_rivals_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SECONDS", 0.0)
    monkeypatch.setattr(checking, "ROUNDS", 2)
    called: list[str] = []

    def rival(name: str, seconds: float) -> Callable[[], object]:
        return lambda: (called.append(name), time.sleep(seconds))

    times = latencies({"slow": rival("slow", 0.02), "quick": rival("quick", 0.0)})
    assert called == ["slow", "quick"] * 3
    assert times["quick"] < 0.02 <= times["slow"]
