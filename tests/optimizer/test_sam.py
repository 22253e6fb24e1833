"""SAM against its formula in plain floats, alone and in the loop, and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from temper.clip import Clip
from temper.command.job import Job
from temper.facts import ParameterGroup
from temper.optimizer.adam import Adam
from temper.optimizer.lookahead import Lookahead
from temper.optimizer.momentum import Momentum
from temper.optimizer.sam import SAM
from temper.optimizer.schedule_free_sgd import ScheduleFreeSGD
from temper.optimizer.sgd import SGD
from temper.report.record import Report
from temper.run import run

BASE = Momentum(lr=0.05, momentum=0.9, weight_decay=0.1)
GOOD: dict[str, Any] = {"rho": 0.05, "adaptive": False, "base": BASE}
SMALL = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=40", "trainer=cpu", "trainer.threads=1")


def build(record: SAM, *weights: nn.Parameter) -> torch.optim.Optimizer:
    names = tuple(str(position) for position in range(len(weights)))
    return record.build([ParameterGroup(names=names, parameters=weights)])


@settings(deadline=None, max_examples=25)
@given(rho=st.floats(1e-3, 1.0), adaptive=st.booleans(), momentum=st.floats(0, 0.99))
def test_follows_the_formula_on_a_quadratic(rho: float, adaptive: bool, momentum: float) -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    base = Momentum(lr=0.05, momentum=momentum, weight_decay=0.1)
    optimizer = build(SAM(rho=rho, adaptive=adaptive, base=base), weight)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (1.5 * (weight - 0.2) ** 2).sum()
        loss.backward()
        return loss

    expected, velocity = 0.7, 0.0
    for _ in range(12):
        slope = 3.0 * (expected - 0.2)
        scale = abs(expected) + 0.01 if adaptive else 1.0
        up = rho * scale**2 * slope / abs(scale * slope)
        velocity = momentum * velocity + 3.0 * (expected + up - 0.2) + 0.1 * expected
        expected -= 0.05 * velocity
        optimizer.step(closure)
        assert weight.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("adaptive", [False, True])
def test_follows_the_formula_on_a_small_net(adaptive: bool) -> None:
    """One length over all parameters; the base is Adam, by its formula in plain floats."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
    base = Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0)
    optimizer = build(SAM(rho=0.3, adaptive=adaptive, base=base), *net.parameters())

    def slopes_at(values: list[float]) -> list[float]:
        copied = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
        nn.utils.vector_to_parameters(torch.tensor(values, dtype=torch.float64), copied.parameters())
        ((copied(inputs) - targets) ** 2).mean().backward()
        return [slope for weight in copied.parameters() for slope in weight.grad.flatten().tolist()]

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = ((net(inputs) - targets) ** 2).mean()
        loss.backward()
        return loss

    weights = nn.utils.parameters_to_vector(net.parameters()).tolist()
    mean, square = [0.0] * len(weights), [0.0] * len(weights)
    for step in range(1, 6):
        slopes = slopes_at(weights)
        scales = [abs(weight) + 0.01 if adaptive else 1.0 for weight in weights]
        length = sum((t * g) ** 2 for t, g in zip(scales, slopes, strict=True)) ** 0.5
        up = [0.3 * t * t * g / length for t, g in zip(scales, slopes, strict=True)]
        slopes = slopes_at([w + e for w, e in zip(weights, up, strict=True)])
        for at, slope in enumerate(slopes):
            mean[at] = 0.9 * mean[at] + 0.1 * slope
            square[at] = 0.999 * square[at] + 0.001 * slope * slope
            weights[at] -= 0.01 * (mean[at] / (1 - 0.9**step)) / ((square[at] / (1 - 0.999**step)) ** 0.5 + 1e-8)
        optimizer.step(closure)
        assert nn.utils.parameters_to_vector(net.parameters()).tolist() == pytest.approx(weights, abs=1e-6)


def test_comes_back_to_the_bit_and_tells_the_first_loss() -> None:
    weight = nn.Parameter(torch.randn(50))
    before = weight.detach().clone()
    optimizer = build(SAM(rho=0.3, adaptive=False, base=SGD(lr=0.1, weight_decay=0.0)), weight)
    seen: list[bool] = []

    def closure() -> Tensor:
        seen.append(optimizer.ascending)
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        if len(seen) == 2:
            weight.grad = torch.zeros_like(weight)
        return loss

    loss = optimizer.step(closure)
    assert seen == [True, False]
    assert not optimizer.ascending
    assert loss == (before**2).sum()
    assert torch.equal(weight.detach(), before)


def test_nowhere_to_climb_is_no_fault() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = build(SAM(rho=0.3, adaptive=False, base=SGD(lr=0.1, weight_decay=0.0)), weight)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (0 * weight).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert torch.equal(weight.detach(), torch.ones(3))


def test_takes_what_it_is_from_its_base() -> None:
    average = ScheduleFreeSGD(lr=1.0, beta=0.9, weight_decay=0.0)
    plain, over = SAM(**GOOD), SAM(rho=0.1, adaptive=False, base=average)
    assert (plain.lr, plain.passes, plain.paces_itself, plain.averages) == (0.05, 2, False, False)
    assert (over.lr, over.passes, over.paces_itself, over.averages) == (1.0, 2, True, True)
    weight = nn.Parameter(torch.ones(2))
    optimizer = build(over, weight)
    assert over.shown(optimizer) is None

    def closure() -> Tensor:
        optimizer.zero_grad()
        (weight**2).sum().backward()
        return weight.sum()

    optimizer.step(closure)
    shown = over.shown(optimizer)
    assert shown is not None
    torch.testing.assert_close(shown[weight], optimizer.state[weight]["z"])  # after one step the average is z


def test_statistics_and_records_are_those_of_the_first_pass(
    small_cifar10: None, job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    clipped: list[int] = []
    monkeypatch.setattr(Clip, "apply", lambda self, parameters: clipped.append(len(parameters)))
    reports, states, rows = [], [], []
    for name, words in {
        "plain": ("optimizer=momentum",),
        "sam": ("optimizer=sam", "optimizer.rho=1.5"),
    }.items():
        clipped.clear()
        job = job_of(*SMALL, *words, "debug=steps", "debug.steps=1", "clip.kind=norm", "flush_every=1")
        job = Job(experiment=job.experiment, config=job.config, folder=job.folder / name, choices=job.choices)
        reports.append(run(job))
        assert len(clipped) == 1, "of two gradients the second alone is clipped"
        states.append(torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])
        lines = (job.folder / "metrics.csv").read_text().splitlines()
        rows.append(dict(zip(lines[0].split(","), lines[1].split(","), strict=False)))
    assert rows[0]["train/loss"] == rows[1]["train/loss"]
    assert rows[0]["train/accuracy"] == rows[1]["train/accuracy"]
    statistics = [key for key in states[0] if "running" in key or "batches" in key]
    assert len(statistics) > 10
    assert all(torch.equal(states[0][key], states[1][key]) for key in statistics)
    assert not torch.equal(states[0]["network.head.weight"], states[1]["network.head.weight"])


def test_both_passes_draw_the_same(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    from temper.network.mlp import MLP

    drawn: list[float] = []
    forward = MLP.forward

    def drawing(self: MLP, inputs: Tensor) -> Tensor:
        if self.training:
            drawn.append(torch.rand(()).item())  # as dropout would
        return forward(self, inputs)

    monkeypatch.setattr(MLP, "forward", drawing)
    run(job_of("optimizer=sam", "debug=steps", "trainer=cpu", "trainer.threads=1"))
    assert len(drawn) == 4
    assert drawn[0::2] == drawn[1::2]
    assert drawn[0] != drawn[2]


def test_any_base_from_the_command_line(train: Callable[..., Report]) -> None:
    report = train(
        "optimizer=sam", "optimizer@optimizer.base=adam", "optimizer.base.lr=0.003", "debug=steps", "trainer=cpu"
    )
    assert report.choices["optimizer"] == "sam"
    assert report.choices["optimizer@optimizer.base"] == "adam"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rho": 0.0}, "rho.*greater than 0"),
        ({"adaptive": 1}, "adaptive.*valid boolean"),
        ({"base": SAM(**GOOD)}, "base=sam.*optimizer@optimizer.base=adam"),
        ({"base": Lookahead(k=5, alpha=0.5, base=SAM(**GOOD))}, "base=lookahead.*optimizer@optimizer.base=adam"),
        ({"base": 0.1}, "base.*instance of Optimizer"),
    ],
)
def test_refuses(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        SAM(**{**GOOD, **changed})
