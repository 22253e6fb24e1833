"""Relational distillation (RKD; Park et al., 2019, arXiv:1904.05068, eq. 5 to 10): keep how examples lie to each other.

    distance    δ_d · mean_j h(ψ_ij(t) - ψ_ij(s)),    ψ_ij(t) = ‖t_i - t_j‖ / μ, μ the mean of that over all pairs
    angle       δ_a · mean_jk h(cos∠jik(t) - cos∠jik(s))    the angle at i between j and k
    h(x) = ½x² for |x| <= 1, |x| - ½ beyond                 Huber's loss

t_i and s_i are what a layer of the teacher and one of the student put out for example i, an image averaged over its
positions; j and k are other examples, each another. Example i's value is the mean over its partners, so that the mean
over a batch is the mean over its pairs, or over its triples. Only relations are compared: the layers may be of any
width, and the student's space may be turned, shifted and stretched. Partners are the examples that pass through
together: of accumulated micro-batches, and of several processes, each finds them among its own, so that these take
other steps than one whole batch does; an example without partners has the value 0.

A term costs n² numbers of memory a feature in a micro-batch of n, the angle n³ too. It bites where classes are many and
a student too narrow to copy the teacher's features. With 25, 50 and a third of the weight each, the terms have the
task's measure as in the paper's classification.
"""

from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from temper.distillation.taught import Layer, Taught, found, shapes
from temper.facts import Answer, Facts, Kind
from temper.prediction import widened
from temper.quantity import OpenFraction, Positive
from temper.strategy import Distillation, Reads, Teach, strategy
from temper.teacher import Teacher
from temper.terms import Distiller


@strategy
class Relational(Distillation):
    """The difference of distances and of angles among examples."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass", "binary", "regression")
    reads: ClassVar[Reads] = "layers"
    partners: ClassVar[int] = 2  # of an angle; one distance alone, in units of the mean distance, is always 1

    teacher: Taught
    student_layer: Layer | None
    teacher_layer: Layer | None
    distance: Positive | None
    angle: Positive | None
    weight: OpenFraction

    @model_validator(mode="after")
    def _compares_something(self) -> Self:
        if self.distance is None and self.angle is None:
            raise ValueError("distance and angle are both null, and nothing is compared: give one a factor")
        return self

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the names of the terms that have a factor."""
        return tuple(name for name in ("distance", "angle") if getattr(self, name) is not None)

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher.

        Raises:
            ValueError: a network has no such layer.
        """
        teacher = teach(self.teacher)
        keys = "distillation.relational.student_layer", "distillation.relational.teacher_layer"
        own = found(student, [self.student_layer], keys[0])
        other = found(teacher.network, [self.teacher_layer], keys[1])
        shapes(student, own, [facts.shape], keys[0])
        shapes(teacher.network, other, [facts.shape], keys[1])
        teacher.tap(other)
        return _Relations(teacher, own[0], other[0], self.distance, self.angle)


class _Relations(Distiller):
    def __init__(self, teacher: Teacher, own: str, other: str, distance: float | None, angle: float | None) -> None:
        super().__init__()
        self.teacher, self._other, self.taps = teacher, other, (own,)
        self._distance, self._angle = distance, angle

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return ``distance`` and ``angle`` of each example, (n,), those that have a factor."""
        taught = _apart(self.teacher.answer(inputs).features[self._other])
        learned = _apart(answer.features[self.taps[0]])
        found = {}
        if self._distance is not None:
            found["distance"] = self._distance * _distances(taught, learned)
        if self._angle is not None:
            found["angle"] = self._angle * _angles(taught, learned)
        return found


def _apart(features: Tensor) -> Tensor:
    """Return how each example differs from each, (n, n, d), for features (n, d) or (n, d, height, width)."""
    points = widened(features)
    if points.dim() > 2:
        points = points.flatten(2).mean(2)
    return points.unsqueeze(0) - points.unsqueeze(1)


def _distances(taught: Tensor, learned: Tensor) -> Tensor:
    """Return the mean difference in distance of each example to the others, (n,)."""
    others = ~torch.eye(len(taught), dtype=torch.bool, device=taught.device)
    theirs, mine = (_over_mean(torch.linalg.vector_norm(apart, dim=2)) for apart in (taught, learned))
    return (F.smooth_l1_loss(mine, theirs, reduction="none") * others).sum(1) / max(1, len(taught) - 1)


def _over_mean(distances: Tensor) -> Tensor:
    mean = distances.sum() / max(1, len(distances) * (len(distances) - 1))
    return distances / torch.where(mean > 0, mean, 1)


def _angles(taught: Tensor, learned: Tensor) -> Tensor:
    """Return the mean difference in angle at each example over pairs of others, (n,)."""
    same = torch.eye(len(taught), dtype=torch.bool, device=taught.device)
    three = ~(same.unsqueeze(2) | same.unsqueeze(1) | same.unsqueeze(0))
    theirs, mine = (_cosines(apart) for apart in (taught, learned))
    differences = F.smooth_l1_loss(mine, theirs, reduction="none") * three
    return differences.sum((1, 2)) / max(1, (len(taught) - 1) * (len(taught) - 2))


def _cosines(apart: Tensor) -> Tensor:
    """Return the cosine of the angle at each example between each pair, (n, n, n); 0 where two are the same."""
    length = torch.linalg.vector_norm(apart, dim=2, keepdim=True)
    directions = apart / torch.where(length > 0, length, 1)
    with torch.autocast(apart.device.type, enabled=False):  # it would round them to three digits
        return directions @ directions.transpose(1, 2)
