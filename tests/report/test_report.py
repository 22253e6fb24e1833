"""The report: its file, its promise, and what it prints last."""

import io
import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from temper.report.record import Attempt, Complexity, Cost, Report, Score, judge_promise, show

KEYS = {
    "command", "state", "digest", "commit", "versions", "device", "choices", "tuned", "metrics", "score", "speed",
    "cost", "generalisation", "complexity", "promise", "attempts", "notes", "per_class", "stopped", "seed", "epochs",
    "solution", "privacy", "smaller", "target", "processes", "threads", "contents", "forked",
}  # fmt: skip
INNER = {
    "speed": {"examples_per_second", "seconds_to_target"},
    "cost": {"training_multiply_adds", "seconds", "wall_seconds", "peak_memory_bytes", "joules"},
    "generalisation": {"test", "gap"},
    "complexity": {"parameters", "nonzero_parameters", "multiply_adds", "bytes", "latency_seconds"},
}


def full() -> Report:
    return Report(
        command="python train.py",
        choices={"task": "mlp", "augmentation": ["crop", "flip"]},
        metrics={"train/accuracy": 0.99, "test/accuracy": 0.97},
        score=Score("val/accuracy", 0.96, "max"),
        cost=Cost(seconds=12.3),
        complexity=Complexity(parameters=10),
        attempts=[Attempt(0, 5), Attempt(3, 9)],
        per_class={"cat": 0.5, "dog": 0.9},
        notes=["[red]brackets[/red] stay"],
    )


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def test_the_file_has_the_keys_that_others_rely_on(tmp_path: Path) -> None:
    full().save(tmp_path)
    values = read(tmp_path)
    assert set(values) == KEYS == {field.name for field in fields(Report)}
    assert {name: set(values[name]) for name in INNER} == INNER
    assert values["score"] == {"metric": "val/accuracy", "value": 0.96, "better": "max"}
    assert [(one["from_step"], one["last_step"]) for one in values["attempts"]] == [(0, 5), (3, 9)]
    assert values["cost"]["joules"] is None


def test_loading_gives_back_what_was_saved(tmp_path: Path) -> None:
    full().save(tmp_path)
    assert Report.load(tmp_path) == full()
    Report(command="").save(tmp_path)
    assert Report.load(tmp_path) == Report(command="")
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_what_is_not_finite_is_null(tmp_path: Path) -> None:
    report = full()
    report.metrics["val/loss"] = math.nan
    report.cost.joules = math.inf
    report.save(tmp_path)
    assert read(tmp_path)["metrics"]["val/loss"] is None
    assert read(tmp_path)["cost"]["joules"] is None


def test_a_failed_save_leaves_the_old_report(tmp_path: Path) -> None:
    full().save(tmp_path)
    broken = full()
    broken.notes.append(object())  # type: ignore[arg-type] # no JSON for it
    with pytest.raises(TypeError):
        broken.save(tmp_path)
    assert Report.load(tmp_path) == full()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"command": ""}'])
def test_refuses_a_file_that_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match=r"report\.json is not a report"):
        Report.load(tmp_path)


@pytest.mark.parametrize(
    ("better", "measured", "verdict"),
    [
        ("max", 0.89, "kept"),
        ("max", 0.8899, "broken"),
        ("max", 1.0, "kept"),
        ("min", 0.91, "kept"),
        ("min", 0.9101, "broken"),
        ("min", 0.0, "kept"),
        ("max", math.nan, "broken"),
        ("max", None, "broken"),
    ],
)
def test_a_promise_is_judged_in_the_metrics_own_direction(better: Any, measured: float | None, verdict: str) -> None:
    assert judge_promise("test/x", 0.9, 0.01, better, {"test/x": measured}) == verdict


def test_a_metric_that_is_missing_keeps_no_promise() -> None:
    assert judge_promise("test/x", 0.9, 0.01, "max", {"test/y": 1.0}) == "broken"


@settings(deadline=None, max_examples=25)
@given(value=st.floats(-5, 5), tolerance=st.floats(0, 1), measured=st.floats(-9, 9))
def test_max_and_min_mirror_each_other(value: float, tolerance: float, measured: float) -> None:
    high = judge_promise("m", value, tolerance, "max", {"m": measured})
    assert high == judge_promise("m", -value, tolerance, "min", {"m": -measured})


def printed(report: Report) -> list[str]:
    console = Console(file=io.StringIO(), width=60, record=True)
    show(report, console)
    return console.export_text().rstrip("\n").split("\n")


def test_the_four_figures_are_the_last_four_lines() -> None:
    lines = printed(full())
    assert [line.split()[0] for line in lines[-4:]] == ["speed", "cost", "generalisation", "complexity"]
    assert "12.3 s training" in lines[-3]
    assert "10 parameters" in lines[-1]
    assert "not measured" in lines[-4]


def test_a_target_that_was_set_and_not_reached_says_so() -> None:
    report = full()
    assert "time to target not measured" in printed(report)[-4]
    report.target = 0.9
    assert "time to target not reached" in printed(report)[-4]
    report.speed.seconds_to_target = 2.0
    assert "time to target 2 s" in printed(report)[-4]


def test_the_worst_class_and_the_notes_are_printed_as_they_are() -> None:
    lines = printed(full())
    assert "worst class: cat, of which 50.0% are recognised" in lines
    assert "note: [red]brackets[/red] stay" in lines
    assert any(line.split() == ["│", "accuracy", "│", "0.9900", "│", "│", "0.9700", "│"] for line in lines)
