"""Schedule-free SGD against the paper's algorithm in plain floats, with warm-up and in the loop, and bad values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import NON_NEGATIVE, OPEN_FRACTION, POSITIVE, refuses
from torch import nn

from temper.facts import ParameterGroup
from temper.optimizer.schedule_free_sgd import ScheduleFreeSGD
from temper.report.record import Report

GOOD: dict[str, Any] = {"lr": 0.5, "beta": 0.9, "weight_decay": 0.0}


def one(weight: nn.Parameter, **scale: float) -> list[ParameterGroup]:
    return [ParameterGroup(names=("w",), parameters=(weight,), **scale)]


test_refuses = refuses(ScheduleFreeSGD, GOOD, lr=POSITIVE, weight_decay=NON_NEGATIVE, beta=OPEN_FRACTION)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.5), beta=st.floats(0.05, 0.99), weight_decay=st.floats(0, 0.5), warmup=st.integers(0, 9))
def test_follows_the_formula_on_a_quadratic(lr: float, beta: float, weight_decay: float, warmup: int) -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    record = ScheduleFreeSGD(lr=lr, beta=beta, weight_decay=weight_decay)
    optimizer = record.build(one(weight, rate=0.5, decay=2.0))
    assert record.shown(optimizer) is None
    z = x = 0.7
    squares = 0.0
    for step in range(1, 13):
        y = (1 - beta) * z + beta * x
        assert weight.item() == pytest.approx(y, abs=1e-6)
        rate = 0.5 * lr * min(1.0, step / warmup if warmup else 1.0)
        squares += rate**2
        z -= rate * (3.0 * (y - 0.2) + 2.0 * weight_decay * y)
        share = rate**2 / squares
        x = (1 - share) * x + share * z
        optimizer.param_groups[0]["lr"] = rate  # as the loop does, by the schedule's warm-up
        optimizer.zero_grad()
        (1.5 * (weight - 0.2) ** 2).sum().backward()
        optimizer.step()
        before = weight.detach().clone()
        shown = record.shown(optimizer)
        assert shown is not None
        assert shown[weight].item() == pytest.approx(x, abs=1e-6)
        assert torch.equal(weight.detach(), before), "to look changes nothing"


def test_follows_the_formula_on_a_small_net() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
    record = ScheduleFreeSGD(lr=0.3, beta=0.8, weight_decay=0.1)
    named = dict(net.named_parameters())
    optimizer = record.build([ParameterGroup(names=tuple(named), parameters=tuple(named.values()))])
    z = nn.utils.parameters_to_vector(net.parameters()).tolist()
    x = list(z)
    for step in range(1, 7):
        net.zero_grad()
        ((net(inputs) - targets) ** 2).mean().backward()
        slopes = [slope for weight in net.parameters() for slope in weight.grad.flatten().tolist()]
        y = [0.2 * at_z + 0.8 * at_x for at_z, at_x in zip(z, x, strict=True)]
        assert nn.utils.parameters_to_vector(net.parameters()).tolist() == pytest.approx(y, abs=1e-6)
        optimizer.step()
        z = [at_z - 0.3 * (slope + 0.1 * at_y) for at_z, at_y, slope in zip(z, y, slopes, strict=True)]
        x = [at_x + (at_z - at_x) / step for at_x, at_z in zip(x, z, strict=True)]
        shown = record.shown(optimizer)
        assert shown is not None
        averages = torch.cat([shown[weight].flatten() for weight in net.parameters()]).tolist()
        assert averages == pytest.approx(x, abs=1e-6)


def test_the_warm_up_of_the_schedule_is_that_of_the_authors() -> None:
    from schedulefree import SGDScheduleFree

    ours, theirs = (nn.Parameter(torch.tensor([0.7, -0.2], dtype=torch.float64)) for _ in range(2))
    optimizer = ScheduleFreeSGD(**GOOD).build(one(ours))
    other = SGDScheduleFree([theirs], lr=0.5, momentum=0.9, warmup_steps=4)
    other.train()
    for step in range(10):
        optimizer.param_groups[0]["lr"] = 0.5 * min(1.0, (step + 1) / 4)
        ours.grad, theirs.grad = 3.0 * ours.detach(), 3.0 * theirs.detach()
        optimizer.step()
        other.step()
        assert torch.equal(ours, theirs)


def test_warms_up_and_keeps_the_average(train: Callable[..., Report], tmp_path: Path) -> None:
    words = ("epochs=2", "batch_size=128", "scheduler.warmup=5steps", "trainer=cpu", "trainer.threads=1")
    report = train("optimizer=schedule_free_sgd", *words, "flush_every=1", folder=tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    place = lines[0].split(",").index("learning_rate")
    rates = [float(line.split(",")[place]) for line in lines[1:] if line.split(",")[place]]
    assert rates[:7] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0])
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    states = checkpoint["optimizer_states"][0]
    kept, trained = checkpoint["state_dict"], checkpoint["trained_weights"]
    numbers = [number for group in states["param_groups"] for number in group["params"]]
    names = [name for group in states["param_groups"] for name in group["param_names"]]
    for number, name in zip(numbers, names, strict=True):
        y, z = trained[name.removeprefix("network.")], states["state"][number]["z"]
        torch.testing.assert_close(kept[name], (y - 0.1 * z) / 0.9)
    assert report.metrics["test/accuracy"] > 0.5


def test_is_shown_where_the_weights_are() -> None:
    """After training Lightning has moved the optimizer's state to the CPU; meta is a device that is always there."""
    weight = nn.Parameter(torch.ones(2, device="meta"))
    record = ScheduleFreeSGD(**GOOD)
    optimizer = record.build(one(weight))
    optimizer.state[weight]["z"] = torch.zeros(2)
    shown = record.shown(optimizer)
    assert shown is not None
    assert shown[weight].device == weight.device
