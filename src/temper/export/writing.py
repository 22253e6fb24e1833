"""From a run to files that hold its network whole: written, read again, compared, and only then put in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from temper.data.pictures import Pictures
from temper.data.views import Level
from temper.experiment import Experiment
from temper.export.answering import Answering, Meaning
from temper.export.checking import BATCHES, TOLERANCE, difference, in_batches, latencies
from temper.export.formats import FORMATS, Answer, program_of
from temper.facts import Facts
from temper.network.int8 import Int8
from temper.refusal import Refusal
from temper.training.same_data import other_names
from temper.training.trained import Trained, facts_of, network_of, pipeline_of

PYTORCH = "pytorch"  # among what is timed: the network itself


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is exported.

    Attributes:
        tested: raw inputs (n, ...) of the run's test set that files are compared on.
        views: those that the run looked at in its test, of which a file knows nothing.
    """

    checkpoint: Path
    facts: Facts
    model: Answering
    meaning: Meaning
    tested: Tensor
    views: Level | None

    @classmethod
    def of(cls, trained: Trained, root: str | None) -> "Subject":
        """Return the network of ``trained`` and what belongs to it; ``root`` replaces ``data.root``.

        Raises:
            Refusal: the run's files are damaged, or its data is not there.
        """
        experiment, checkpoint = trained.experiment_at(root), trained.checkpoint()
        facts = facts_of(checkpoint)
        if (fault := other_names(facts, None, experiment.data.feature_names)) is not None:
            raise Refusal(f"{fault}: put it back as it was, or name a copy that is so, --root PLACE")
        model = Answering(network_of(experiment, checkpoint), pipeline_of(experiment, checkpoint), facts)
        tested = _tested(experiment, facts)
        return cls(
            checkpoint=trained.file,
            facts=facts,
            model=model.eval().requires_grad_(False),
            meaning=Meaning.of(facts, checkpoint["class_names"], experiment.data),
            tested=tested,
            views=experiment.test_time_augmentation,
        )

    @property
    def tolerance(self) -> float:
        """Return the largest difference with which a file is written."""
        return TOLERANCE[self.model.dtype]

    @property
    def rounds(self) -> bool:
        """Return whether the network is one of whole numbers."""
        return any(isinstance(layer, Int8) for layer in self.model.modules())


@dataclass(frozen=True, kw_only=True)
class File:
    """One file that was asked for.

    Attributes:
        difference: the largest between its answers and the network's; the mean, where the network rounds.
        written: whether it is there; it is not if the difference is too large.
        latency_seconds: of one example.
    """

    path: Path
    size: int
    difference: float
    written: bool
    latency_seconds: float


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What became of it: the file of each format, and the time of one example in the network itself."""

    files: Mapping[str, File]
    latency_seconds: float


def export(subject: Subject, paths: Mapping[str, Path]) -> Exported:
    """Write ``subject`` to ``paths``, by format, all in one folder.

    A file is written beside its place, read again, and moved there if it answers as the network does.
    """
    batches = in_batches(subject.tested)
    own: Answer = torch.inference_mode()(subject.model)
    expected = [own(batch) for batch in batches]
    program = program_of(subject.model, subject.tested)
    (place,) = {path.parent for path in paths.values()}
    try:
        room = TemporaryDirectory(prefix=".export-", dir=place)
    except OSError as fault:
        raise Refusal(f"--output: {place}: {fault.strerror}: name a folder to write into") from None
    with room as beside:
        drafts = {name: Path(beside) / path.name for name, path in paths.items()}
        for name, draft in drafts.items():
            FORMATS[name].write(program, subject.meaning, draft)
        answers = {name: FORMATS[name].load(draft) for name, draft in drafts.items()}
        differences = {
            name: difference(each, expected, batches, subject.facts, rounds=subject.rounds)
            for name, each in answers.items()
        }
        rivals: dict[str, Answer] = {PYTORCH: own, **answers}
        times = latencies({name: partial(rival, batches[0]) for name, rival in rivals.items()})
        files = {
            name: File(
                path=path,
                size=drafts[name].stat().st_size,
                difference=differences[name],
                written=differences[name] <= subject.tolerance,
                latency_seconds=times[name],
            )
            for name, path in paths.items()
        }
        for name, file in files.items():
            if file.written:
                drafts[name].replace(file.path)
    return Exported(files=files, latency_seconds=times[PYTORCH])


def _tested(experiment: Experiment, facts: Facts) -> Tensor:
    """Return raw inputs (n, ...) of the test set, no more than are compared."""
    try:
        experiment.data.prepare()
        held: Any = experiment.data.splits().test.inputs[: sum(BATCHES)]
    except ValueError as fault:
        raise Refusal(f"{fault} (here: --root PLACE)" if hasattr(experiment.data, "root") else str(fault)) from None
    inputs: Tensor = held.sample() if isinstance(held, Pictures) else held
    if tuple(inputs.shape[1:]) != facts.stored_shape:
        raise Refusal(
            f"the test set holds inputs of shape {tuple(inputs.shape[1:])}, and the network was trained on"
            f" {facts.stored_shape}: has the data changed since?"
        )
    return inputs
