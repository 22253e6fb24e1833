"""What the house asks of every weighting: logged, never waited for in a step, and the same loop for all."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from temper.command.command_line import options
from temper.command.job import Job
from temper.experiment import make
from temper.facts import Answer, Facts
from temper.quantity import Clock
from temper.recipes import CONF
from temper.refusal import Refusal
from temper.run import run
from temper.strategy import Distillation, Teach, Weighting, strategy
from temper.teacher import Teacher
from temper.terms import Distiller
from temper.training.build import build_batches, build_module

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))
WEIGHTINGS = options("weighting")
TAUGHT = ("distillation=[logits]", "distillation.logits.weight=0.6", "epochs=3", "flush_every=7", "trainer=cpu")


class Reading(TorchDispatchMode):
    """Finds out where a number is read from a tensor: on a GPU the step would wait for it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default), func
        return func(*args, **(kwargs or {}))


def weighting(name: str, composed: Callable[..., dict[str, Any]]) -> Weighting:
    made: Weighting = make(composed(f"weighting={name}")["weighting"], "weighting")
    return made


def test_finds_what_there_is() -> None:
    assert len(WEIGHTINGS) == 5
    assert (CONF / "weighting").is_dir()


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_no_step_waits(name: str, composed: Callable[..., dict[str, Any]]) -> None:
    network = nn.ModuleDict({"head": nn.Linear(3, 3)})
    weigher = weighting(name, composed).build({"task": 0.4, "logits": 0.6}, FACTS, network)
    for _ in range(2):
        answer = network["head"](torch.ones(4, 3))
        terms = {"task": answer.square().mean(), "logits": answer.exp().mean()}
        with Reading():
            weigher.watch(terms, 1.0)
            weigher(terms, 0.5).backward()
            weigher.end_step()
    with pytest.raises(AssertionError), Reading():
        float(terms["task"])


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_weights_are_logged_and_kept(name: str, precision: str, teacher: Path, job_of: Callable[..., Job]) -> None:
    words = (*TAUGHT, f"distillation.logits.teacher={teacher}", f"weighting={name}", f"precision={precision}")
    if (name, precision) == ("uncertainty", "bf16-true"):
        with pytest.raises(Refusal, match=r"weighting=uncertainty learns by small steps.*bf16-mixed"):
            job_of(*words)
        return
    job = job_of(*words)
    report = run(job)
    assert report.state == "finished"
    with (job.folder / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["weight/task"]]
    weights = [(float(row["weight/task"]), float(row["weight/logits"])) for row in rows]
    assert len(rows) > 6
    assert all(weight >= 0 for row in weights for weight in row)
    assert (len(set(weights)) == 1) == (name == "fixed")
    if name != "uncertainty":
        assert [sum(row) for row in weights] == pytest.approx([1.0] * len(weights), abs=1e-5)
    state = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert any(key.startswith("weigher.") for key in state) == (name != "fixed")
    # A penalty is added as it is: none is weighed.
    assert not any(key.startswith("weight/") and key not in ("weight/task", "weight/logits") for key in rows[0])


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_no_penalty_is_weighed(name: str, teacher: Path, job_of: Callable[..., Job], tmp_path: Path) -> None:
    """One step of SGD, with and without an L2 penalty: they differ by rate · 2α · θ, whatever the weights."""
    words = (
        *TAUGHT, f"distillation.logits.teacher={teacher}", f"weighting={name}", "precision=64-true",
        "optimizer=sgd", "optimizer.lr=0.5", "debug=steps", "debug.steps=1",
    )  # fmt: skip
    ends = []
    for number, penalty in enumerate(((), ("penalty=[l2]", "penalty.l2.alpha=0.01", "penalty.l2.over=all"))):
        job = job_of(*words, *penalty, folder=tmp_path / str(number))
        run(job)
        ends.append(torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])
    plain, penalized = ends
    L.seed_everything(0, verbose=False)
    start = build_module(job.experiment, build_batches(job.experiment).facts).double().network.state_dict()
    for key, value in start.items():
        difference = penalized[f"network.{key}"] - plain[f"network.{key}"]
        torch.testing.assert_close(difference, -0.5 * 0.02 * value, rtol=1e-6, atol=1e-9)


@strategy
class Two(Distillation):
    """A made-up distillation of two terms: the distance of the answers, and its square."""

    kinds: ClassVar = ("multiclass",)
    terms: ClassVar = ("near", "far")

    teacher: str
    weight: float

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        return _Distances(teach(self.teacher))


class _Distances(Distiller):
    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher

    def terms(self, inputs: torch.Tensor, answer: Answer, target: torch.Tensor) -> dict[str, torch.Tensor]:
        apart = (self.teacher.answer(inputs).prediction - answer.prediction).abs().sum(1)
        return {"near": apart, "far": apart.square()}


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_a_distillation_may_have_several_terms(name: str, teacher: Path, job_of: Callable[..., Job]) -> None:
    job = job_of(*TAUGHT, f"distillation.logits.teacher={teacher}", f"weighting={name}", "flush_every=1")
    experiment = replace(job.experiment, distillation={"two": Two(teacher=str(teacher), weight=0.3)})
    assert experiment.shares == pytest.approx({"task": 0.4, "two_near": 0.3, "two_far": 0.3})
    run(replace(job, experiment=experiment))
    with (job.folder / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["weight/task"]]
    weights = [[float(row[f"weight/{term}"]) for term in experiment.shares] for row in rows]
    assert len(rows) == 51
    if name != "gradnorm":  # which has taken a step of its own
        assert weights[0] == pytest.approx([0.4, 0.3, 0.3], abs=0.06)
    assert (weights[0] == weights[-1]) == (name == "fixed")
    assert all(float(row["train/two_far"]) > 0 < float(row["train/two_near"]) for row in rows)
    if name != "uncertainty":
        assert [sum(row) for row in weights] == pytest.approx([1.0] * len(weights), abs=1e-5)


def test_every_term_counts_where_weights_add_up(teacher: Path, job_of: Callable[..., Job]) -> None:
    experiment = job_of(*TAUGHT, f"distillation.logits.teacher={teacher}").experiment
    with pytest.raises(
        ValidationError, match=r"of two_near, two_far add up to 1\.2, .*lower distillation\.two\.weight"
    ):
        replace(experiment, distillation={"two": Two(teacher=str(teacher), weight=0.6)})
