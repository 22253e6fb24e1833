"""What a run's report says beside its figures: what was cut short, never began, or ends elsewhere than it seems."""

from collections.abc import Callable

import pytest
import torch

from temper.report.notes import at_chance, drawn_away
from temper.report.record import Report

Train = Callable[..., Report]
QUICK = ("trainer=cpu", "trainer.threads=1")
CHANCE = "test/accuracy is not above 0."


def test_a_part_of_a_run_says_so(train: Train) -> None:
    notes = train("debug=steps", "debug.steps=2", *QUICK).notes
    assert "debug=steps: ended after 2 steps, and every figure is of a part of the data" in notes
    assert not any(note.startswith(CHANCE) for note in notes)


def test_an_average_that_never_began(train: Train) -> None:
    words = ("epochs=4", "stopping=[target]", "target=0.0001", "averaging=ema", "averaging.start=90%", *QUICK)
    told = "averaging=ema: the run ended before averaging.start=90%, and nothing is averaged"
    assert told in train(*words).notes


def test_a_batch_of_more_than_there_is(train: Train) -> None:
    notes = train("epochs=1", "batch_size=5000", "averaging=ema", "averaging.start=0", *QUICK).notes
    assert "batch_size=5000: the training set has 1,079 examples: each epoch is one step" in notes
    assert not any(note.startswith("averaging=") for note in notes)


def test_a_classification_at_chance(train: Train) -> None:
    report = train("optimizer=adam", "optimizer.lr=3.0", "epochs=2", *QUICK)
    (note,) = (note for note in report.notes if note.startswith(CHANCE))
    assert "most frequent class in the test set: lower optimizer.lr, choose another initialization or task." in note


def test_a_share_of_the_test_set() -> None:
    labels = torch.tensor([0, 1, 1, 2])
    assert at_chance({"test/accuracy": 0.51}, labels, "optimizer.lr", True) == []
    assert at_chance({"test/r2": 0.51}, labels, "optimizer.lr", True) == []
    (note,) = at_chance({"test/accuracy": 0.5}, labels, "optimizer.base.lr", False)
    assert "0.5000" in note
    assert note.endswith("lower optimizer.base.lr, choose another initialization, or train for longer")


def test_a_solution_without_penalties(train: Train) -> None:
    words = ("task=linear_regression", "epochs=1", *QUICK)
    report = train(*words, "penalty=[l2]", "optimizer.weight_decay=0.5")
    assert any(
        note.startswith("solution: the reference is without penalty=[l2] and optimizer.weight_decay=0.5, with which")
        for note in report.notes
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("optimizer=sgd",), None),
        (("optimizer=sam", "optimizer@optimizer.base=sgd", "optimizer.base.weight_decay=0.5"), "optimizer.base.weight"),
    ],
)
def test_a_decay_is_told_where_it_stands(
    words: tuple[str, ...], told: str | None, job_of: Callable[..., object]
) -> None:
    notes = drawn_away((), job_of(*words).experiment.optimizer)  # type: ignore[attr-defined]
    assert [f"without {told}_decay=0.5," in note for note in notes] == [True] * bool(told)
