"""Relational distillation against loops over pairs and triples, and what a motion of the space changes: nothing."""

import itertools
import math
from typing import Any

import pytest
import torch
from tests.distillation.conftest import FRACTION, NOBODY, built, refuses, terms
from torch import Tensor, nn

from temper.distillation.relational import Relational

GOOD: dict[str, Any] = {
    "teacher": "a/run", "student_layer": "0", "teacher_layer": "0", "distance": 25.0, "angle": 50.0, "weight": 0.3,
}  # fmt: skip


class Said(nn.Module):
    """A layer that puts out what it is told to, and whose gradient is kept."""

    def __init__(self, points: Tensor) -> None:
        super().__init__()
        self.points = nn.Parameter(points)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.points[: len(inputs)]


def relations(learned: Tensor, taught: Tensor, **knobs: Any) -> dict[str, Tensor]:
    """The terms where student and teacher put out these points."""
    student, teacher = (nn.Sequential(Said(points)) for points in (learned, taught))
    return terms(
        built(Relational(**{**GOOD, **knobs}), student, teacher),
        student,
        torch.zeros(len(learned), 3, dtype=learned.dtype),
    )


def huber(difference: float) -> float:
    return difference**2 / 2 if abs(difference) <= 1 else abs(difference) - 0.5


def distances(points: list[list[float]]) -> dict[tuple[int, int], float]:
    pairs = list(itertools.permutations(range(len(points)), 2))
    apart = {pair: math.dist(*(points[each] for each in pair)) for pair in pairs}
    mean = sum(apart.values()) / len(pairs)
    return {pair: value / mean for pair, value in apart.items()}


def cosines(points: list[list[float]]) -> dict[tuple[int, int, int], float]:
    def cosine(i: int, j: int, k: int) -> float:
        one, other = ([b - a for a, b in zip(points[i], points[end], strict=True)] for end in (j, k))
        product = sum(a * b for a, b in zip(one, other, strict=True))
        return product / (math.hypot(*one) * math.hypot(*other))

    return {triple: cosine(*triple) for triple in itertools.permutations(range(len(points)), 3)}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_over_a_batch_is_that_over_pairs_and_triples(seed: int) -> None:
    learned, taught = random(5, 4, seed=seed), random(5, 2, seed=seed + 10) ** 3
    found = relations(learned, taught)
    for name, factor, relation in (("distance", 25.0, distances), ("angle", 50.0, cosines)):
        mine, theirs = (relation(points.tolist()) for points in (learned, taught))
        differences = [huber(mine[key] - theirs[key]) for key in mine]
        assert found[name].shape == (5,)
        assert found[name].mean().item() == pytest.approx(factor * sum(differences) / len(differences), rel=1e-9)
        assert max(abs(mine[key] - theirs[key]) for key in mine) > 1  # both parts of the loss are met


def test_the_value_of_an_example_is_the_mean_over_its_partners() -> None:
    learned, taught = random(4, 3), random(4, 3, seed=1)
    found = relations(learned, taught, distance=1.0, angle=1.0)
    for name, relation in (("distance", distances), ("angle", cosines)):
        mine, theirs = (relation(points.tolist()) for points in (learned, taught))
        for row, value in enumerate(found[name].tolist()):
            own = [huber(mine[key] - theirs[key]) for key in mine if key[0] == row]
            assert value == pytest.approx(sum(own) / len(own), rel=1e-9)


def test_motions_of_the_space_change_nothing() -> None:
    taught = random(6, 3)
    turned = torch.linalg.qr(random(3, 3, seed=1))[0]
    moved = 7 * taught @ turned + random(3, seed=2)
    wider = torch.cat((moved, torch.ones(6, 2, dtype=torch.float64)), 1)
    for value in relations(wider, taught).values():
        torch.testing.assert_close(value, torch.zeros_like(value), atol=1e-9, rtol=0)


def test_an_image_is_averaged_over_its_positions() -> None:
    learned, taught = random(5, 3, 2, 2), random(5, 4, seed=1)
    for name, value in relations(learned.mean((2, 3)), taught).items():
        torch.testing.assert_close(relations(learned, taught)[name], value)


def test_two_halves_of_a_batch_have_fewer_partners() -> None:
    learned, taught = random(6, 3), random(6, 3, seed=1)
    whole, halves = (relations(learned, taught), [relations(learned[s], taught[s]) for s in (slice(3), slice(3, 6))])
    for name in Relational(**GOOD).terms:
        assert (torch.cat([half[name] for half in halves]) - whole[name]).abs().max() > 0.1


@pytest.mark.parametrize(("count", "distance"), [(1, 0.0), (2, 12.5)])  # ψ of two is 1, and 0 where they coincide
def test_points_that_coincide_are_no_infinity(count: int, distance: float) -> None:
    student = nn.Sequential(Said(torch.ones(count, 2)))
    distiller = built(Relational(**GOOD), student, nn.Sequential(Said(random(3, 2)[:count].float())))
    found = terms(distiller, student, torch.zeros(count, 3))
    (gradient,) = torch.autograd.grad(sum(value.mean() for value in found.values()), student[0].points)
    assert bool(gradient.isfinite().all())
    assert gradient.abs().max() < 100
    assert found["distance"].tolist() == pytest.approx([distance] * count)
    assert found["angle"].tolist() == [0.0] * count


def test_two_that_coincide_beside_a_third_pull_no_harder_than_others() -> None:
    student = nn.Sequential(Said(torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])))
    distiller = built(Relational(**GOOD), student, nn.Sequential(Said(random(3, 2).float())))
    found = terms(distiller, student, torch.zeros(3, 3))
    (gradient,) = torch.autograd.grad(sum(value.mean() for value in found.values()), student[0].points)
    assert 0 < gradient.abs().max() < 1000


def test_the_gradient_is_that_of_the_value() -> None:
    taught = nn.Sequential(Said(random(4, 3, seed=1)))
    student = nn.Sequential(Said(random(4, 2)))
    distiller = built(Relational(**GOOD), student, taught)
    inputs = torch.zeros(4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda points: tuple(terms(distiller, student, inputs).values()), student[0].points, check_undefined_grad=False
    )


@pytest.mark.parametrize(
    ("knobs", "named"),
    [({}, ("distance", "angle")), ({"angle": None}, ("distance",)), ({"distance": None}, ("angle",))],
)
def test_a_term_may_be_left_out(knobs: dict[str, None], named: tuple[str, ...]) -> None:
    record = Relational(**{**GOOD, **knobs})
    assert record.terms == named == tuple(relations(random(3, 2), random(3, 2, seed=1), **knobs))
    assert record.partners == 2  # the one distance of two examples is 1, in units of their mean distance


@pytest.mark.parametrize("knob", ["student_layer", "teacher_layer"])
def test_refuses_a_layer_that_is_not_there(knob: str) -> None:
    with pytest.raises(ValueError, match=rf"relational\.{knob}=7: the network has no layer of that name; there is 0"):
        relations(random(3, 2), random(3, 2), **{knob: "7"})


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"distance": None, "angle": None}, "both null"),
        *((each, None) for each in ({"distance": 0.0}, {"angle": 0.0}, {"student_layer": ""}, *FRACTION, *NOBODY)),
    ],
)
def test_refuses(bad: dict[str, Any], said: str | None) -> None:
    refuses(Relational, GOOD, bad, said)
