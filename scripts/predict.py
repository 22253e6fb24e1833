"""Predict what the user's own files hold, with a trained network.

    python scripts/predict.py outputs/RUN digits.csv more.npy --output answers.csv
    python scripts/predict.py outputs/RUN photos/*.png

RUN is a run's folder or a checkpoint in one; the training data need not be there, but for data=table, whose columns say
how words are encoded, and data=image_folder, which --root names where they lie now. Files are images, or rows of a
table: .csv or .parquet with the columns of data=table, .csv or .npy of any other. The answer is a CSV: file, row (from
1) and prediction, which is the name of a class with its probability, or a value in the target's own units. It is the
network's answer to each image as it is; with --test-time-augmentation, the mean of its answers to views of it. A file
that cannot be read is named on the error stream, the others are predicted, and the exit status is 2; if none can be
read, nothing is written.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor, nn

from temper.data.batches import EVALUATED_AT_ONCE
from temper.data.pipeline import Pipeline
from temper.data.views import LEVELS, Level, views
from temper.facts import Facts
from temper.network.layers import dtype_of
from temper.output_file import check_file, writing
from temper.prediction import probabilities
from temper.refusal import Refusal, refusing
from temper.strategy import Data
from temper.training.same_data import other_names
from temper.training.trained import Trained, facts_of, level_of, network_of, pipeline_of

Row = tuple[str, ...]  # the prediction, and for classes its probability


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """All that a checkpoint and its configuration hold of the way from a file to its predictions."""

    data: Data
    facts: Facts
    network: nn.Module
    pipeline: Pipeline
    class_names: tuple[str, ...]
    level: Level | None

    @classmethod
    def of(cls, trained: Trained, views_of: str, root: str | None = None) -> "Predictor":
        """Return the predictor of a trained network; ``views_of`` names a level of test-time augmentation, or ``none``.

        ``root`` replaces ``data.root``, or ``data.path`` of a table.

        Raises:
            Refusal: a file of the run is damaged, or views are wanted of what is no image.
        """
        experiment = trained.experiment_at(root)
        level, checkpoint = level_of(views_of, experiment), trained.checkpoint()
        facts = facts_of(checkpoint)
        if (fault := other_names(facts, None, experiment.data.feature_names)) is not None:
            place = getattr(experiment.data, "path", "it")
            raise Refusal(f"{fault}: put {place} back as it was, or name a copy that is so, --root PLACE")
        return cls(
            data=experiment.data,
            facts=facts,
            network=network_of(experiment, checkpoint),
            pipeline=pipeline_of(experiment, checkpoint),
            class_names=tuple(checkpoint["class_names"]) or tuple(map(str, range(facts.classes))),
            level=level,
        )

    @property
    def columns(self) -> Row:
        """Return the names of what `rows` yields."""
        return ("prediction",) if self.facts.kind == "regression" else ("prediction", "probability")

    def rows(self, path: Path) -> list[Row]:
        """Return the predictions of each row of the file.

        Raises:
            ValueError: the file cannot be read; names it and what is wrong.
        """
        inputs = self.data.read(path)
        if tuple(inputs.shape[1:]) != self.facts.stored_shape:
            raise ValueError(
                f"{path}: gives inputs of shape {tuple(inputs.shape[1:])}, and the network was trained on"
                f" {self.facts.stored_shape}: has the training data changed since?"
            )
        return list(self._told(self._outputs(inputs)))

    @torch.inference_mode()
    def _outputs(self, inputs: Tensor) -> Tensor:
        return torch.cat([self._mean(part) for part in torch.split(inputs, EVALUATED_AT_ONCE)])

    def _mean(self, inputs: Tensor) -> Tensor:
        """Return the outputs for inputs (n, ...), in the mean over their views."""
        precision = dtype_of(self.network)
        outputs = [
            view.weight * self.network(self.pipeline(view.of(inputs)).to(precision)) for view in views(self.level)
        ]
        return torch.stack(outputs).sum(0)

    def _told(self, outputs: Tensor) -> Iterator[Row]:
        if self.facts.kind == "regression":
            for value in (outputs.double() * self.facts.target_deviation + self.facts.target_mean).tolist():
                yield (f"{value:.7g}",)
            return
        likeliest = probabilities(outputs, self.facts.kind).max(1)
        for probability, index in zip(*(column.tolist() for column in likeliest), strict=True):
            yield self.class_names[index], f"{probability:.6f}"


def predict(predictor: Predictor, files: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Return the rows of the answer (file, row, prediction ...), and what is wrong with each file that failed."""
    answers: list[Row] = []
    faults: list[str] = []
    for file in files:
        try:
            rows = predictor.rows(Path(file))
        except ValueError as fault:
            faults.append(str(fault))
            continue
        answers += [(file, str(number), *row) for number, row in enumerate(rows, start=1)]
    return answers, faults


def write(stream: TextIO, columns: Row, answers: Sequence[Row]) -> None:
    """Write the answers as CSV."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("file", "row", *columns))
    writer.writerows(answers)


def _check(files: Sequence[str], output: str | None) -> None:
    if not files:
        raise Refusal("FILES: none is named: name one or more, for example digits.csv")
    if output is None:
        return
    if Path(output).resolve() in {Path(file).resolve() for file in files}:
        raise Refusal(f"--output {output}: is one of the files to predict, and would be overwritten: name another")
    check_file("--output", Path(output))


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, predict, write.

    Raises:
        SystemExit: with status 2, a file or the command itself is at fault.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in one")
    parser.add_argument("files", metavar="FILES", nargs="*", help="images or tables, as the run's data has them")
    parser.add_argument("--output", metavar="FILE.csv", help="write the answer there (default: standard output)")
    parser.add_argument(
        "--test-time-augmentation",
        metavar="LEVEL",
        choices=("none", *LEVELS),
        default="none",
        help="answer images by the mean over views, at 2 or 6 times the cost: none (default, also for a run that was"
        f" tested with views), {', '.join(LEVELS)}",
    )
    parser.add_argument("--root", metavar="PLACE", help="where the data lies here, in place of data.root or data.path")
    asked = parser.parse_intermixed_args(words)
    with refusing():
        _check(asked.files, asked.output)
        predictor = Predictor.of(Trained.find(asked.run, "RUN"), asked.test_time_augmentation, asked.root)
    answers, faults = predict(predictor, asked.files)
    for fault in faults:
        print(f"temper: {fault}", file=sys.stderr)
    if answers and asked.output:
        place = Path(asked.output)
        with refusing(), writing("--output", place), place.open("w", newline="", encoding="utf-8") as stream:
            write(stream, predictor.columns, answers)
    elif answers:
        write(sys.stdout, predictor.columns, answers)
    if faults:
        raise SystemExit(2)


if __name__ == "__main__":
    main()
