"""Learned uncertainty against a hand-worked case of two terms, its optimum, and how its variances are trained."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from temper.command.job import Job
from temper.facts import Facts
from temper.quantity import Clock
from temper.run import run
from temper.training.build import build_batches, build_module
from temper.weighting.uncertainty import Uncertainty

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))
values = st.floats(0.01, 5)


@settings(deadline=None, max_examples=25)
@given(share=st.floats(0.05, 0.95), first=values, second=values)
def test_two_terms_by_hand(share: float, first: float, second: float) -> None:
    weigher = Uncertainty().build({"task": share, "logits": 1 - share}, FACTS, nn.Identity()).double()
    optimizer = torch.optim.SGD(weigher.parameters(), lr=0.1)
    s = [-math.log(share), -math.log(1 - share)]
    for scale in (1.0, 0.5, 0.25):  # three steps with terms that fall
        terms = [scale * first, scale * second]
        expected = sum(math.exp(-each) * term + each / 2 for each, term in zip(s, terms, strict=True))
        held = dict(zip(("task", "logits"), torch.tensor(terms, dtype=torch.float64), strict=True))
        optimizer.zero_grad()
        total = weigher(held, 0.0)
        assert total.item() == pytest.approx(expected, rel=1e-5)
        total.backward()
        optimizer.step()
        s = [each - 0.1 * (0.5 - math.exp(-each) * term) for each, term in zip(s, terms, strict=True)]
    found = {name: float(weight) for name, weight in weigher.weights().items()}
    assert found == pytest.approx({"task": math.exp(-s[0]), "logits": math.exp(-s[1])}, rel=1e-5)


def test_starts_at_the_users_shares_and_ends_at_half_the_inverse() -> None:
    weigher = Uncertainty().build({"task": 0.1, "logits": 0.9}, FACTS, nn.Identity()).double()
    assert {name: float(each) for name, each in weigher.weights().items()} == pytest.approx(
        {"task": 0.1, "logits": 0.9}
    )
    terms = {"task": torch.tensor(3.0), "logits": torch.tensor(0.2)}
    optimizer = torch.optim.SGD(weigher.parameters(), lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        weigher(terms, 0.0).backward()
        optimizer.step()
    found = {name: float(each) for name, each in weigher.weights().items()}
    assert found == pytest.approx({"task": 1 / 6, "logits": 2.5}, rel=1e-6)


def test_the_terms_get_their_weights_as_gradient() -> None:
    weigher = Uncertainty().build({"task": 0.25, "logits": 0.75}, FACTS, nn.Identity())
    terms = {name: torch.tensor(value, requires_grad=True) for name, value in (("task", 2.0), ("logits", 1.0))}
    weigher(terms, 0.0).backward()
    assert [term.grad.item() for term in terms.values()] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("groups", ["all", "no_norm_no_bias"])
def test_its_variances_are_trained_and_do_not_decay(
    groups: str, teacher: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    job = job_of(
        "distillation=[logits]", f"distillation.logits.teacher={teacher}", "weighting=uncertainty",
        "optimizer=adamw", "optimizer.weight_decay=0.1", f"groups={groups}",
    )  # fmt: skip
    module = build_module(job.experiment, build_batches(job.experiment).facts)
    *others, last = module.configure_optimizers().param_groups
    assert [id(each) for each in last["params"]] == [id(module.weigher.log_variances)]
    assert last["weight_decay"] == 0
    assert others[0]["weight_decay"] == 0.1
    held = [id(weight) for group in others for weight in group["params"]]
    assert sorted(held) == sorted(id(weight) for weight in module.network.parameters())


def test_a_run_moves_the_weights(teacher: Path, job_of: Callable[..., Job]) -> None:
    job = job_of("distillation=[logits]", f"distillation.logits.teacher={teacher}", "weighting=uncertainty", "epochs=1")
    run(job)
    state = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert (state["weigher.log_variances"] + torch.tensor([0.1, 0.9]).log()).abs().min() > 0.01


def test_refuses_a_term_without_weight() -> None:
    Uncertainty().check({"task": 0.1, "logits": 0.9})
    with pytest.raises(
        ValueError,
        match=r"^the weights are learned.*task starts with none: lower that of logits, distillation\.NAME\.weight",
    ):
        Uncertainty().check({"task": 0.0, "logits": 1.0})
