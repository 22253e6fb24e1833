"""Attention transfer (Zagoruyko and Komodakis, 2017, arXiv:1612.03928, section 3.1): look where the teacher looks.

    Σ_l ½ ‖ a(S_l)/‖a(S_l)‖₂ - a(T_l)/‖a(T_l)‖₂ ‖₂²    over the pairs of layers l; from 0 to 1 each
    a(F) = Σ_c |F_c|^p                                 the attention map (height, width) of channels c; 0 stays 0

A map has no channels left, so that the two networks may be of any width; where the maps of a pair are of unlike height
or width, both are averaged over the same coarser cells. The larger p, the more the strongest position counts. Squared
distances are what implementations take for the paper's distances; they are not divided by the number of positions, so
that the weight means the same at every size. It bites after each stage of a network whose teacher finds the object.
"""

from typing import ClassVar, Self

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
class AttentionTransfer(Distillation):
    """The distance of attention maps, layer by layer."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass", "binary")
    terms: ClassVar[tuple[str, ...]] = ("attention_transfer",)
    reads: ClassVar[Reads] = "images"

    teacher: Taught
    student_layers: tuple[Layer, ...] | None
    teacher_layers: tuple[Layer, ...] | None
    power: Positive
    weight: OpenFraction

    @model_validator(mode="after")
    def _layers_pair_up(self) -> Self:
        mine, theirs = (len(named) if named is not None else 1 for named in (self.student_layers, self.teacher_layers))
        if mine != theirs or not mine:
            raise ValueError(
                f"student_layers and teacher_layers are compared one by one, and here are {mine} and {theirs}: name as"
                " many of each, in their order (null is the last before the head)"
            )
        return self

    @model_validator(mode="after")
    def _power_has_a_slope(self) -> Self:
        if self.power < 1:
            raise ValueError(f"power={self.power:g} has no slope where a feature is 0: 1.0 at least")
        return self

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher.

        Raises:
            ValueError: a network has no such layer, or a layer's features have no positions.
        """
        teacher = teach(self.teacher)
        own = _layers(student, self.student_layers, facts, "student_layers")
        other = _layers(teacher.network, self.teacher_layers, facts, "teacher_layers")
        teacher.tap(other)
        return _Maps(teacher, own, other, self.power)


def _layers(network: nn.Module, layers: tuple[str, ...] | None, facts: Facts, knob: str) -> tuple[str, ...]:
    key = f"distillation.attention_transfer.{knob}"
    names = found(network, layers or (None,), key)
    for name, shape in zip(names, shapes(network, names, [facts.shape], key)[0], strict=True):
        if len(shape) != 3:
            raise ValueError(
                f"{key}: layer {name} puts out {shape[0]} numbers without positions, and a map is made of images: name"
                " an earlier layer, such as stages.0"
            )
    return names


class _Maps(Distiller):
    def __init__(self, teacher: Teacher, own: tuple[str, ...], other: tuple[str, ...], power: float) -> None:
        super().__init__()
        self.teacher, self._other, self._power, self.taps = teacher, other, power, own

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return ``attention_transfer``: the distance of the maps of each example, over all pairs, (n,)."""
        theirs = self.teacher.answer(inputs).features
        pairs = zip(self.taps, self._other, strict=True)
        return {"attention_transfer": sum(self._distance(answer.features[s], theirs[t]) for s, t in pairs)}  # type: ignore[dict-item]

    def _distance(self, mine: Tensor, theirs: Tensor) -> Tensor:
        maps = self._map(mine), self._map(theirs)
        height, width = (min(sides) for sides in zip(*(each.shape[1:] for each in maps), strict=True))
        one, other = (F.normalize(F.adaptive_avg_pool2d(each, (height, width)).flatten(1)) for each in maps)
        return (one - other).square().sum(1) / 2

    def _map(self, features: Tensor) -> Tensor:
        """Return the attention maps (n, height, width) of features (n, channels, height, width)."""
        return widened(features).abs().pow(self._power).sum(1)
