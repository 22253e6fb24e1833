"""Hints (FitNets; Romero et al., 2015, arXiv:1412.6550, eq. 3): a student's layer is to know what a teacher's does.

    1/(2d) ‖u(x) - r(v(x))‖²    u: what the teacher's layer puts out, d numbers; v: what the student's does
    r(v) = W v + b              the regressor, learned along: a linear map, or a 1x1 convolution where v is an image

The paper adds the d squares up; their mean makes the weight mean the same in every layer. It trains on hints first, up
to the student's layer, and on softened answers afterwards: ``weighting=schedule`` with the hints' end at 0 fades from
one to the other, with ``distillation=[hints,logits]``. Where the student's image is larger than the teacher's the paper
widens the regressor; here layers of the same height and width are asked for. A regressor never decides anything: it is
kept to go on training, and is no part of the network. It bites in students that are deep and thin, whose early layers
the answers' gradient hardly reaches.
"""

from typing import ClassVar

from torch import Tensor, nn

from temper.distillation.taught import Layer, Shape, Taught, found, shapes
from temper.facts import Answer, Facts, Kind
from temper.prediction import widened
from temper.quantity import OpenFraction
from temper.strategy import Distillation, Reads, Teach, strategy
from temper.teacher import Teacher
from temper.terms import Distiller


@strategy
class Hints(Distillation):
    """The squared distance of a layer from the teacher's, after a map that is learned."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass", "binary", "regression")
    terms: ClassVar[tuple[str, ...]] = ("hints",)
    reads: ClassVar[Reads] = "layers"
    learns: ClassVar[bool] = True

    teacher: Taught
    student_layer: Layer | None
    teacher_layer: Layer | None
    weight: OpenFraction

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher, with its regressor.

        Raises:
            ValueError: a network has no such layer, or the two cannot be compared.
        """
        teacher = teach(self.teacher)
        keys = "distillation.hints.student_layer", "distillation.hints.teacher_layer"
        own = found(student, [self.student_layer], keys[0])
        other = found(teacher.network, [self.teacher_layer], keys[1])
        sizes = list(dict.fromkeys((facts.shape, *facts.epoch_shapes)))
        pairs = zip(
            shapes(student, own, sizes, keys[0]), shapes(teacher.network, other, sizes, keys[1]), strict=True
        )  # fmt: skip
        for (mine,), (theirs,) in pairs:
            if mine[1:] != theirs[1:]:
                raise ValueError(
                    f"distillation.hints: the student's {own[0]} puts out {_said(mine)} and the teacher's {other[0]}"
                    f" {_said(theirs)}: name layers of one height and width by student_layer and teacher_layer, or"
                    " choose distillation=[attention_transfer] or [relational]"
                )
        teacher.tap(other)
        return _Regressed(teacher, own[0], other[0], mine, theirs)


class _Regressed(Distiller):
    def __init__(self, teacher: Teacher, own: str, other: str, mine: Shape, theirs: Shape) -> None:
        super().__init__()
        self.teacher, self._other, self.taps = teacher, other, (own,)
        self.regressor = nn.Linear(mine[0], theirs[0]) if len(mine) == 1 else nn.Conv2d(mine[0], theirs[0], 1)

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return ``hints``: half the mean squared distance of each example, (n,)."""
        taught = widened(self.teacher.answer(inputs).features[self._other])
        learned = widened(self.regressor(answer.features[self.taps[0]]))
        return {"hints": (taught - learned).square().flatten(1).mean(1) / 2}


def _said(shape: Shape) -> str:
    return "x".join(map(str, shape)) + (" numbers" if len(shape) == 1 else "")
