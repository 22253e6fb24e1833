"""Evaluate a trained network on a set of its data, by the ruler that every run is judged by.

    python scripts/evaluate.py outputs/RUN --split test

RUN is a run's folder (its best checkpoint, or the last where none was chosen) or a checkpoint in one. The data is the
run's own, through the preprocessing that the checkpoint holds, in float32 (float64 for a run in 64-true). With
test-time augmentation (--test-time-augmentation, or the run's own on its test set) the main metric is also told of the
mean over the views of each image: accuracy_tta.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.data.views import LEVELS
from temper.metric import over_views
from temper.refusal import refusing
from temper.report.record import Report, main_metric
from temper.report.units import in_score, in_worst_class
from temper.training.build import build_module
from temper.training.revisited import answered, batches_of, experiment_of
from temper.training.supervised import Verdict
from temper.training.trained import Trained, level_of, network_of


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How one network did on one set.

    Attributes:
        examples: in the set.
        classes: their names, in order; empty for a regression.
        expected: what report.json says of the main metrics by name; empty where it says nothing of this network.
        precision: that the run itself was evaluated in.
        changed: how the data differs from what was learned; None: nowise.
    """

    trained: Trained
    split: str
    examples: int
    verdict: Verdict
    classes: tuple[str, ...]
    expected: dict[str, float]
    precision: str
    changed: str | None


def evaluate(trained: Trained, split: str, root: str | None, views: str | None = None) -> Evaluation:
    """Return how ``trained`` does on its ``split``; ``root`` replaces ``data.root``.

    ``views`` names a level of test-time augmentation, or ``none``; None: on the test set as the run, else none.

    Raises:
        ValueError: the data is not there, the run has no such split, or its files are damaged.
    """
    experiment = experiment_of(trained, root)
    own = experiment.test_time_augmentation if split == "test" else None
    level = own if views is None else level_of(views, experiment)
    checkpoint = trained.checkpoint()
    batches = batches_of(experiment, checkpoint, split, "--split")
    module = build_module(experiment, batches.facts)
    module.network = network_of(experiment, checkpoint)
    answers = answered(module.network, batches, split, level)
    return Evaluation(
        trained=trained,
        split=split,
        examples=len(answers.target),
        verdict=module.verdict(answers.prediction, answers.target, answers.mean),
        classes=batches.splits.class_names,
        expected=_expected(trained, split, alike=level == own),
        precision=trained.experiment(root).precision,
        changed=batches.changed,
    )


def _expected(trained: Trained, split: str, *, alike: bool) -> dict[str, float]:
    """Return what report.json says; of the mean over views only if they are ``alike``."""
    delivered = Trained.find(str(trained.folder), "RUN").file
    if trained.file.resolve() != delivered.resolve() or not (trained.folder / "report.json").exists():
        return {}
    report = Report.load(trained.folder)
    name = main_metric(report)
    names = (name, over_views(name)) if alike else (name,)
    found = {each: report.metrics.get(f"{split}/{each}") for each in names}
    return {each: value for each, value in found.items() if value is not None}


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the metrics, the recall of each class, the worst, and what report.json says."""
    _print(console, f"{evaluation.trained.file} on its {evaluation.split} set")
    table = Table()
    table.add_column("metric")
    table.add_column(f"{evaluation.examples:,} examples", justify="right")
    for name, value in evaluation.verdict.scores.items():
        table.add_row(Text(name), in_score(value))
    console.print(table)
    recalls = {name: value for name, value in _per_class(evaluation).items() if value is not None}
    if recalls:
        classes = Table("class")
        classes.add_column("recall", justify="right")
        for name, value in recalls.items():
            classes.add_row(Text(name), in_score(value))
        console.print(classes)
        _print(console, in_worst_class(recalls) or "")
    for line in _comparison(evaluation):
        _print(console, line)
    if evaluation.changed is not None:
        _print(console, f"note: {evaluation.changed}")


def _print(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)


def _per_class(evaluation: Evaluation) -> dict[str, float | None]:
    return {
        name: None if math.isnan(value) else value
        for name, value in zip(evaluation.classes, evaluation.verdict.per_class, strict=False)
    }


def _comparison(evaluation: Evaluation) -> list[str]:
    if not evaluation.expected:
        return ["report.json says nothing of this checkpoint on this set"]
    lower = evaluation.precision not in ("32-true", "64-true")
    return [
        f"{evaluation.split}/{name}: report.json says {in_score(before)}; here"
        f" {in_score(evaluation.verdict.scores[name])}"
        + (f" (the run evaluated in {evaluation.precision})" if lower else "")
        for name, before in evaluation.expected.items()
    ]


def as_json(evaluation: Evaluation) -> str:
    """Return the evaluation as one line of JSON; what is not finite is null."""
    scores = evaluation.verdict.scores.items()
    return json.dumps(
        {
            "checkpoint": str(evaluation.trained.file),
            "split": evaluation.split,
            "examples": evaluation.examples,
            "metrics": {f"{evaluation.split}/{key}": value if math.isfinite(value) else None for key, value in scores},
            "per_class": _per_class(evaluation),
            "note": evaluation.changed,
            "report": {f"{evaluation.split}/{name}": before for name, before in evaluation.expected.items()} or None,
        }
    )


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in one")
    parser.add_argument(
        "--split",
        choices=("test", "val", "train"),
        default="test",
        help="which set (default: test); train: its first 10,000 examples, unaugmented, as in report.json",
    )
    parser.add_argument(
        "--test-time-augmentation",
        metavar="LEVEL",
        choices=("none", *LEVELS),
        help=f"also by the mean over views of each image: none, {', '.join(LEVELS)} (default: on the test set as the"
        " run was tested, else none); try levels on --split val, not on test",
    )
    parser.add_argument("--root", metavar="PLACE", help="where the data lies here, in place of data.root or data.path")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of tables")
    asked = parser.parse_args(words)
    with refusing():
        evaluation = evaluate(Trained.find(asked.run, "RUN"), asked.split, asked.root, asked.test_time_augmentation)
    if asked.json:
        print(as_json(evaluation))
    else:
        show(evaluation, Console())


if __name__ == "__main__":
    main()
