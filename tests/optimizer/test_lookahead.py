"""Lookahead against its formula in plain floats, over a base that takes two gradients, and bad values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from temper.facts import ParameterGroup
from temper.optimizer.adam import Adam
from temper.optimizer.lookahead import Lookahead
from temper.optimizer.momentum import Momentum
from temper.optimizer.sam import SAM
from temper.optimizer.schedule_free_sgd import ScheduleFreeSGD
from temper.report.record import Report

BASE = Momentum(lr=0.05, momentum=0.9, weight_decay=0.1)
ADAM = Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0)
GOOD: dict[str, Any] = {"k": 5, "alpha": 0.5, "base": BASE}


def build(record: Lookahead, *weights: nn.Parameter) -> torch.optim.Optimizer:
    names = tuple(str(position) for position in range(len(weights)))
    return record.build([ParameterGroup(names=names, parameters=weights)])


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(8, 3, dtype=torch.float64, generator=generator)
    for _ in range(steps):
        optimizer.zero_grad()
        (net(inputs) ** 2).mean().backward()
        optimizer.step()


@settings(deadline=None, max_examples=25)
@given(k=st.integers(1, 6), alpha=st.floats(0.05, 0.95), momentum=st.floats(0, 0.99))
def test_follows_the_formula_on_a_quadratic(k: int, alpha: float, momentum: float) -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    record = Lookahead(k=k, alpha=alpha, base=Momentum(lr=0.05, momentum=momentum, weight_decay=0.1))
    optimizer = build(record, weight)
    assert record.shown(optimizer) is None
    fast, slow, velocity = 0.7, 0.7, 0.0
    for step in range(1, 13):
        optimizer.zero_grad()
        (1.5 * (weight - 0.2) ** 2).sum().backward()
        optimizer.step()
        velocity = momentum * velocity + 3.0 * (fast - 0.2) + 0.1 * fast
        fast -= 0.05 * velocity
        if step % k == 0:
            slow += alpha * (fast - slow)
            fast = slow
        shown = record.shown(optimizer)
        assert shown is not None
        assert weight.item() == pytest.approx(fast, abs=1e-6)
        assert shown[weight].item() == pytest.approx(slow, abs=1e-6)


def test_follows_the_formula_on_a_small_net() -> None:
    """Three steps of the base by itself, then half of the way back."""
    ours, theirs = small_net(), small_net()
    record = Lookahead(k=3, alpha=0.5, base=ADAM)
    optimizer, other = build(record, *ours.parameters()), torch.optim.Adam(theirs.parameters(), lr=0.01)
    slow = nn.utils.parameters_to_vector(theirs.parameters()).detach()
    for _ in range(4):
        train(ours, optimizer, 3)
        train(theirs, other, 3)
        slow = 0.5 * slow + 0.5 * nn.utils.parameters_to_vector(theirs.parameters()).detach()
        nn.utils.vector_to_parameters(slow.clone(), theirs.parameters())
        found = nn.utils.parameters_to_vector(ours.parameters()).detach()
        torch.testing.assert_close(found, slow, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cut", [3, 5, 7])
def test_goes_on_from_its_state_to_the_bit(cut: int) -> None:
    record = Lookahead(k=5, alpha=0.5, base=ADAM)
    whole, first, second = small_net(), small_net(), small_net()
    train(whole, build(record, *whole.parameters()), 12)
    optimizer = build(record, *first.parameters())
    train(first, optimizer, cut)
    second.load_state_dict(first.state_dict())
    again = build(record, *second.parameters())
    again.load_state_dict(optimizer.state_dict())
    train(second, again, 12 - cut)
    for one, other in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_over_sharpness_both_gradients_are_taken() -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    record = Lookahead(k=2, alpha=0.5, base=SAM(rho=0.1, adaptive=False, base=BASE))
    assert (record.lr, record.passes, record.averages, record.paces_itself) == (0.05, 2, True, False)
    optimizer = build(record, weight)
    seen: list[bool] = []

    def closure() -> Tensor:
        seen.append(optimizer.ascending)
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    optimizer.step(closure)
    assert seen == [True, False, True, False]
    fast, velocity = 0.7, 0.0
    for _ in range(2):
        velocity = 0.9 * velocity + 2 * (fast + 0.1) + 0.1 * fast
        fast -= 0.05 * velocity
    assert weight.item() == pytest.approx(0.35 + 0.5 * fast, abs=1e-9)


def test_keeps_the_slow_weights(train: Callable[..., Report], tmp_path: Path) -> None:
    words = ("epochs=1", "batch_size=128", "optimizer.k=4", "optimizer@optimizer.base=adam", "trainer=cpu")
    train("optimizer=lookahead", *words, folder=tmp_path / "run")  # 9 steps: the fast weights are one step ahead
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    states = checkpoint["optimizer_states"][0]
    numbers = [number for group in states["param_groups"] for number in group["params"]]
    names = [name for group in states["param_groups"] for name in group["param_names"]]
    for number, name in zip(numbers, names, strict=True):
        slow, fast = states["state"][number]["slow"], checkpoint["trained_weights"][name.removeprefix("network.")]
        assert torch.equal(checkpoint["state_dict"][name], slow)
        assert not torch.equal(slow, fast)


def test_refuses_a_run_in_which_the_slow_weights_never_move(
    train: Callable[..., Report], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("optimizer=sam", "optimizer@optimizer.base=lookahead", "epochs=1", "batch_size=128", "trainer=cpu")
    with pytest.raises(SystemExit):
        train(*words, "optimizer.base.k=10", folder=tmp_path / "run")
    assert "k=10: the run has 9 steps" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert train("optimizer=lookahead", *words[2:], "optimizer.k=9", folder=tmp_path / "run").state == "finished"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": 0}, "k.*greater than 0"),
        ({"alpha": 0.0}, "alpha.*greater than 0"),
        ({"alpha": 1.0}, "alpha.*less than 1"),
        ({"base": Lookahead(**GOOD)}, "base=lookahead.*optimizer@optimizer.base=adam"),
        ({"base": ScheduleFreeSGD(lr=1.0, beta=0.9, weight_decay=0.0)}, "base=schedule_free_sgd.*base=adam"),
        ({"base": 0.1}, "base.*instance of Optimizer"),
    ],
)
def test_refuses(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Lookahead(**{**GOOD, **changed})
