"""Patience against a count by hand, over a resume, and bad values."""

import io
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning.pytorch.trainer.states import TrainerFn
from pydantic import ValidationError

from temper.stopping.patience import Patience

NAN = float("nan")


def trainer(value: float = 0.0, step: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        callback_metrics={"val/accuracy": torch.tensor(value, dtype=torch.float64)},
        global_step=step,
        sanity_checking=False,
        should_stop=False,
        state=SimpleNamespace(fn=TrainerFn.FITTING),
    )


def callback(validations: int = 2, min_delta: float = 0.0, better: str = "max", settled: int = 0):
    record = Patience(validations=validations, min_delta=min_delta)
    return record.callback("val/accuracy", better, None, settled)


def stops_at(values: list[float], **knobs) -> int | None:
    watcher = callback(**knobs)
    for at, value in enumerate(values):
        now = trainer(value)
        watcher.on_validation_end(now, None)
        assert now.should_stop == (watcher.reason is not None)
        if now.should_stop:
            return at
    return None


@pytest.mark.parametrize(
    ("values", "knobs", "at"),
    [
        ([0.1, 0.2, 0.2, 0.2], {}, 3),
        ([0.1, 0.2, 0.1, 0.3, 0.2, 0.1], {}, 5),
        ([0.1, 0.2, 0.3, 0.4], {}, None),
        ([0.4, 0.3, 0.2, 0.2, 0.2], {"better": "min"}, 4),
        ([0.1, 0.15, 0.19], {"min_delta": 0.1}, 2),
        ([0.1, 0.25, 0.3, 0.36], {"min_delta": 0.1}, None),
        ([NAN, NAN], {}, 1),
        ([NAN, 0.1, NAN, 0.2, NAN, NAN], {}, 5),
        ([0.5, NAN, NAN], {"better": "min"}, 2),
        ([0.5, 0.5], {"validations": 1}, 1),
    ],
)
def test_stops_where_a_count_by_hand_does(values: list[float], knobs: dict, at: int | None) -> None:
    assert stops_at(values, **knobs) == at


@settings(deadline=None, max_examples=25)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=20), cut=st.integers(0, 20))
def test_an_interruption_changes_nothing(values: list[float], cut: int) -> None:
    whole = stops_at(values)
    before = callback()
    assert stops_at(values[:cut]) == (whole if whole is not None and whole < cut else None)
    for value in values[: min(cut, len(values) if whole is None else whole + 1)]:
        before.on_validation_end(trainer(value), None)
    file = io.BytesIO()
    torch.save(before.state_dict(), file)
    file.seek(0)
    after = callback()
    after.load_state_dict(torch.load(file, weights_only=True))
    start = trainer()
    after.on_train_start(start, None)
    assert start.should_stop == (before.reason is not None)
    assert after.reason == before.reason


def test_says_why_in_one_line() -> None:
    watcher = callback()
    for value in (0.25, 0.25, 0.125):
        assert watcher.reason is None
        watcher.on_validation_end(trainer(value), None)
    assert watcher.reason == "val/accuracy stayed at 0.25 for 2 validations (stopping.patience.validations)"


def test_nothing_counts_before_the_network_is_settled() -> None:
    watcher = callback(validations=1, settled=10)
    for step in (0, 5, 9):
        watcher.on_validation_end(trainer(0.9, step), None)
    assert watcher.state_dict() == {"best": None, "waited": 0}
    now = trainer(0.1, 10)
    watcher.on_validation_end(now, None)
    assert watcher.state_dict() == {"best": pytest.approx(0.1), "waited": 0}
    assert not now.should_stop


def test_only_validations_of_training_count() -> None:
    watcher = callback(validations=1)
    sanity, alone = trainer(0.9), trainer(0.9)
    sanity.sanity_checking = True
    alone.state.fn = TrainerFn.VALIDATING
    watcher.on_validation_end(sanity, None)
    watcher.on_validation_end(alone, None)
    assert watcher.state_dict() == {"best": None, "waited": 0}


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("validations", 0, "greater than 0"),
        ("validations", 2.0, "valid integer"),
        ("min_delta", -1e-9, "greater than or equal to 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Patience(**{"validations": 3, "min_delta": 0.0, knob: value})
