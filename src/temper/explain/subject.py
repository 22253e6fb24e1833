"""What is explained: a trained network, one set of its run's data, and what it answers to that."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor

from temper.data.pictures import Pictures
from temper.data.pipeline import Pipeline, to_float
from temper.experiment import Experiment
from temper.explain.attribution import layer_with_maps
from temper.explain.mistakes import in_own_units
from temper.facts import Facts
from temper.network.int8 import Int8
from temper.network.layered import Layered
from temper.network.layers import dtype_of
from temper.prediction import widened
from temper.refusal import Refusal
from temper.report.record import FILE, Report
from temper.strategy import Data
from temper.training.revisited import answered, batches_of, experiment_of
from temper.training.trained import Trained, facts_of, floating_network_of, network_of, pipeline_of

Set = Literal["val", "test"]
IN_WORDS = {"val": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A network and how it did on one set.

    Attributes:
        network: in floating point, through which gradients pass; what answered may be it with its numbers rounded.
        layer: whose feature maps are looked at; None where there are none.
        names: of the features that enter the network; empty for images.
        shape: (channels, h, w) of the image that enters the network; None where what enters is none.
        places: where in the user's own files each example of the set stands; empty where none are the user's.
        stored: raw inputs (n, ...) of the set, as they are stored.
        picture: height and width of a stored row that is an image; None for any other.
        prediction: what the delivered network answers to the set, (n,) or (n, classes); values in their own units.
        target: classes (n,), or values (n,) in their own units.
        reference: the solution in closed form by the report's own names; empty where none is known.
        notes: what a reader must know.
    """

    trained: Trained
    title: dict[str, str | list[str]]
    split: Set
    facts: Facts
    network: Layered
    pipeline: Pipeline
    layer: str | None
    names: tuple[str, ...]
    shape: tuple[int, ...] | None
    places: tuple[str, ...]
    stored: Any
    picture: tuple[int, int] | None
    prediction: Tensor
    target: Tensor
    reference: dict[str, float]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, trained: Trained, split: Set, layer: str | None, root: str | None) -> Self:
        """Return the network of ``trained`` and its answers to ``split``; ``root`` replaces ``data.root``.

        Raises:
            Refusal: the run's files are damaged, it has no such layer or set, or its data is not there.
        """
        experiment, checkpoint = experiment_of(trained, root), trained.checkpoint()
        facts, pipeline = facts_of(checkpoint), pipeline_of(experiment, checkpoint)
        delivered = network_of(experiment, checkpoint)
        rounded = any(isinstance(layer, Int8) for layer in delivered.modules())
        network = floating_network_of(experiment, checkpoint) if rounded else delivered
        try:
            found = layer_with_maps(network, facts.shape, layer)
        except ValueError as fault:
            raise Refusal(f"--layer {layer}: {fault}") from None
        batches = batches_of(experiment, checkpoint, split, "--set")
        answers = answered(delivered, batches, split, None)
        prediction, target = widened(answers.prediction), answers.target
        if facts.kind == "regression":
            prediction, target = in_own_units(prediction, facts), in_own_units(target, facts)
        examples = batches.splits.validation if split == "val" else batches.splits.test
        assert examples is not None
        names, rows = _names(experiment.data, pipeline, facts)
        return cls(
            trained=trained,
            title=_choices(trained),
            split=split,
            facts=facts,
            network=network.cpu(),
            pipeline=pipeline,
            layer=found,
            names=names,
            shape=_shape(facts, rows),
            places=_places(experiment.data, examples.origins),
            stored=examples.inputs,
            picture=rows,
            prediction=prediction,
            target=target if facts.kind == "regression" else target.long(),
            reference=_reference(trained),
            notes=(*_notes(experiment, rounded), *([batches.changed] if batches.changed else [])),
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes; none for a regression."""
        return self.facts.class_names or tuple(map(str, range(self.facts.classes)))

    def raw(self, rows: Tensor) -> Tensor:
        """Return the inputs (n, ...) of the set's ``rows`` as they are stored."""
        held = self.stored[rows]
        return held.sample() if isinstance(held, Pictures) else held

    def seen(self, raw: Tensor) -> Tensor:
        """Return what the network sees of ``raw`` inputs (n, ...)."""
        return self.pipeline(raw).to(dtype_of(self.network))

    def images(self, raw: Tensor) -> Tensor | None:
        """Return ``raw`` inputs as images (n, c, h, w) in [0, 1]; None where they are none."""
        if len(self.facts.stored_shape) == 3:
            return to_float(raw)
        if self.picture is None:
            return None
        images = raw.view(-1, 1, *self.picture)
        return images / images.amax(dim=(1, 2, 3), keepdim=True).clamp(min=torch.finfo(images.dtype).tiny)


def _names(data: Data, pipeline: Pipeline, facts: Facts) -> tuple[tuple[str, ...], tuple[int, int] | None]:
    """Return the names of the features that enter the network, and the picture that a row still is."""
    if len(facts.stored_shape) == 3:
        return (), None
    before = data.feature_names or tuple(f"x[{index}]" for index in range(*facts.stored_shape))
    names = before
    for name, step in pipeline.steps.items():
        names = step.names(names, pipeline.fitted[name])
    return names, data.picture if names == before else None


def _places(data: Data, origins: Tensor | None) -> tuple[str, ...]:
    return () if origins is None else tuple(data.places(origins.tolist()))


def _shape(facts: Facts, picture: tuple[int, int] | None) -> tuple[int, ...] | None:
    if len(facts.shape) == 3:
        return facts.shape
    return None if picture is None else (1, *picture)


def _choices(trained: Trained) -> dict[str, str | list[str]]:
    return Report.load(trained.folder).choices if (trained.folder / FILE).exists() else {}


def _reference(trained: Trained) -> dict[str, float]:
    if not (trained.folder / FILE).exists():
        return {}
    return {name: each["reference"] for name, each in Report.load(trained.folder).solution.items()}


def _notes(experiment: Experiment, rounded: bool) -> tuple[str, ...]:
    notes = []
    if rounded:
        notes.append(
            "the network holds whole numbers, through whose rounding no gradient passes: answers are its own, but what"
            " is drawn of its inside is of the network in floating point, before it was rounded"
        )
    if experiment.test_time_augmentation is not None:
        notes.append(
            f"without test_time_augmentation={experiment.test_time_augmentation}, by which the run was tested: each"
            " image is answered as it is"
        )
    return tuple(notes)
