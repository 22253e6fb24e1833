"""What a network looks at, on one set: its mistakes and why, its first layer, and the classes that it confuses."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from temper.explain.attribution import grad_cam, gradient_times_input
from temper.explain.confusion import confusion
from temper.explain.first_layer import FirstLayer, first_layer
from temper.explain.mistakes import largest_errors, most_confident
from temper.explain.subject import Subject
from temper.prediction import probabilities

AT_ONCE = 16  # images through which gradients are taken together: large ones take memory
NAMED = 3  # features of a mistake


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An example that the network answers wrongly, or furthest off.

    Attributes:
        number: of the example in its set, from 1.
        place: where in the user's own files it stands; None where these hold no examples.
        true, given: names of classes, or values.
        probability: of the class that was given; None for a regression.
        true_probability: of the true class; None for a regression.
        features: the largest of what each adds to the score of what was given, or to the value, by name; empty for
            images.
    """

    number: int
    place: str | None
    true: str | float
    given: str | float
    probability: float | None
    true_probability: float | None
    features: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Maps:
    """Pictures of mistakes and of what speaks for a class in them.

    Attributes:
        method: by which they were made.
        images: (n, c, h, w) in [0, 1].
        given: for the class that was given, (n, h', w').
        true: for the true class, alike.
    """

    method: Literal["Grad-CAM", "gradient × input"]
    images: Tensor
    given: Tensor
    true: Tensor


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """All that is told.

    Attributes:
        wrong: how many mistakes there are in all; of a regression, examples.
        maps: of the ``mistakes``; None where they are no images, or there is none.
        counts: of the confusion, (classes, classes); None for a regression.
    """

    subject: Subject
    mistakes: tuple[Mistake, ...]
    wrong: int
    maps: Maps | None
    first: FirstLayer | None
    counts: Tensor | None
    notes: tuple[str, ...]


def explain(subject: Subject, most: int) -> Explanation:
    """Return what the network looks at, with at most so many mistakes."""
    facts, prediction, target = subject.facts, subject.prediction, subject.target
    classes = facts.kind != "regression"
    ranked = most_confident(prediction, target, facts) if classes else largest_errors(prediction, target)
    rows = ranked[:most]
    shares = probabilities(prediction, facts.kind) if classes else None
    given = prediction if shares is None else shares.argmax(1)
    raw = subject.raw(rows)
    maps, adds = _maps(subject, raw, given[rows], target[rows]) if len(rows) else (None, None)
    mistakes = tuple(
        _mistake(subject, row, given, shares, _largest(subject, adds, place)) for place, row in enumerate(rows.tolist())
    )
    first = first_layer(subject.network, facts, subject.pipeline.fitted, subject.names, subject.shape)
    notes = [*subject.notes]
    if first is None:
        notes.append(f"the first layer lies on {facts.shape[0]} channels that are no colours: its filters are left out")
    return Explanation(
        subject=subject,
        mistakes=mistakes,
        wrong=len(ranked),
        maps=maps,
        first=first,
        counts=confusion(given, target, facts.classes) if classes else None,
        notes=tuple(notes),
    )


def _mistake(subject: Subject, row: int, given: Tensor, shares: Tensor | None, features: dict[str, float]) -> Mistake:
    true, told = subject.target[row].item(), given[row].item()
    names = subject.class_names
    return Mistake(
        number=row + 1,
        place=subject.places[row] if subject.places else None,
        true=true if shares is None else names[int(true)],
        given=told if shares is None else names[int(told)],
        probability=None if shares is None else shares[row, int(told)].item(),
        true_probability=None if shares is None else shares[row, int(true)].item(),
        features=features,
    )


def _maps(subject: Subject, raw: Tensor, given: Tensor, true: Tensor) -> tuple[Maps | None, Tensor | None]:
    """Return pictures of ``raw`` inputs (n, ...), where they are images, and what each feature adds to the answer."""
    parts = list(zip(*(torch.split(each, AT_ONCE) for each in (raw, given, true)), strict=True))
    network, kind = subject.network, subject.facts.kind

    def added(inputs: Tensor, classes: Tensor) -> Tensor:
        return gradient_times_input(network, subject.seen(inputs), classes, kind)

    def cam(inputs: Tensor, classes: Tensor) -> Tensor:
        assert subject.layer is not None
        return grad_cam(network, subject.layer, subject.seen(inputs), classes, kind)

    images = subject.images(raw) if kind != "regression" else None
    if images is None or subject.shape is None:
        return None, torch.cat([added(inputs, told) for inputs, told, _ in parts])
    if subject.layer is not None:
        one, other = (torch.cat([cam(part[0], part[place]) for part in parts]) for place in (1, 2))
        return Maps(method="Grad-CAM", images=images, given=one, true=other), None
    size = (-1, *subject.shape)
    one, other = (torch.cat([added(part[0], part[place]) for part in parts]).view(size).sum(1) for place in (1, 2))
    return Maps(method="gradient × input", images=images, given=one, true=other), None


def _largest(subject: Subject, adds: Tensor | None, place: int) -> dict[str, float]:
    if adds is None:
        return {}
    own = adds[place] * subject.facts.target_deviation  # 1 for classes
    chosen = own.abs().argsort(descending=True, stable=True)[:NAMED].tolist()
    return {subject.names[index]: own[index].item() for index in chosen if own[index] != 0}
