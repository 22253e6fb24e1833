"""Clipping against torch's own and against plain floats."""

import math
from collections.abc import Callable
from pathlib import Path

import lightning as L
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.clip import Clip, clip_adaptively
from temper.command.job import Job
from temper.run import run


def layer(scale: float) -> nn.Linear:
    torch.manual_seed(0)
    made = nn.Linear(3, 2)
    (made(torch.randn(4, 3)) * scale).pow(2).sum().backward()
    return made


@pytest.mark.parametrize("kind", ["norm", "value"])
def test_equals_torch(kind: str) -> None:
    ours, theirs = layer(5), layer(5)
    Clip(kind=kind, value=0.3).apply(list(ours.parameters()))  # type: ignore[arg-type]
    if kind == "norm":
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.3)
    else:
        nn.utils.clip_grad_value_(theirs.parameters(), 0.3)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)  # type: ignore[arg-type]


def units(tensor: torch.Tensor) -> list[list[float]]:
    """Return the entries of each unit: of a weight one output, of a bias or a scale all."""
    return [tensor.tolist()] if tensor.ndim == 1 else [row.flatten().tolist() for row in tensor]


@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 2), lambda: nn.Conv2d(2, 3, 3), lambda: nn.BatchNorm1d(4)])
def test_adaptive_by_the_paper(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    made = make()
    expected, clipped = {}, 0
    for name, weight in made.named_parameters():
        weight.grad = torch.randn_like(weight)
        with torch.no_grad():
            weight.view(-1)[: weight.numel() // 2] *= 1e-5  # some units below the floor
            weight.grad.view(-1)[-1] *= 1e-3
        by_hand = []
        for values, slopes in zip(units(weight.detach()), units(weight.grad), strict=True):
            size, steep = max(math.hypot(*values), 1e-3), math.hypot(*slopes)
            clipped += steep / size > 0.1
            by_hand.append([slope * 0.1 * size / steep if steep / size > 0.1 else slope for slope in slopes])
        expected[name] = by_hand
    assert clipped
    clip_adaptively(list(made.parameters()), 0.1)
    for name, weight in made.named_parameters():
        assert weight.grad is not None
        torch.testing.assert_close(torch.tensor(units(weight.grad)), torch.tensor(expected[name]), rtol=1e-5, atol=1e-8)


class Spy(L.Callback):
    """Keeps the gradient of a step, by name, before it is clipped and after."""

    def __init__(self) -> None:
        self.before: list[dict[str, torch.Tensor]] = []
        self.after: list[dict[str, torch.Tensor]] = []

    def on_before_optimizer_step(self, trainer: L.Trainer, module: L.LightningModule, optimizer: object) -> None:
        self.before.append(self._gradients(module))

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        self.after.append(self._gradients(module))

    @staticmethod
    def _gradients(module: L.LightningModule) -> dict[str, torch.Tensor]:
        return {name: weight.grad.clone() for name, weight in module.named_parameters() if weight.grad is not None}


@pytest.fixture
def spied(job_of: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Spy]:
    """Return a function that takes one step, and tells what the gradient was."""

    def train(*words: str) -> Spy:
        spy = Spy()
        small = ("epochs=1", "batch_size=full", "trainer=cpu", "precision=64-true", "task.hidden=[8]")
        job = job_of(*small, *words, folder=tmp_path / " ".join(words))
        monkeypatch.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [spy])
        run(job)
        return spy

    return train


def test_adaptive_leaves_the_head_alone(spied: Callable[..., Spy]) -> None:
    spy = spied("clip.kind=adaptive", "clip.value=0.0001")
    (before,), (after,) = spy.before, spy.after
    assert len(before) == 4
    for name in before:
        same = torch.equal(before[name], after[name])
        assert same == name.startswith("network.head."), name


@pytest.mark.parametrize("kind", ["norm", "value", "adaptive"])
def test_the_whole_batch_is_clipped_once(kind: str, spied: Callable[..., Spy]) -> None:
    whole = spied(f"clip.kind={kind}", "clip.value=0.001")
    cut = spied(f"clip.kind={kind}", "clip.value=0.001", "accumulate=3")
    assert len(whole.before) == len(cut.before) == 1
    assert len(cut.after) == 3
    before, clipped, of_parts = whole.before[0], whole.after[-1], cut.after[-1]
    assert any(not torch.equal(before[name], clipped[name]) for name in before)
    for name in clipped:
        torch.testing.assert_close(of_parts[name], clipped[name], rtol=0, atol=1e-12)
    if kind == "norm":
        assert torch.nn.utils.get_total_norm(of_parts.values()).item() == pytest.approx(0.001, rel=1e-4)


@settings(deadline=None, max_examples=25)
@given(bound=st.floats(1e-3, 1e3))
def test_no_kind_makes_a_gradient_longer(bound: float) -> None:
    for kind in ("none", "norm", "value", "adaptive"):
        made, before = layer(1), layer(1)
        Clip(kind=kind, value=bound).apply(list(made.parameters()))  # type: ignore[arg-type]
        for one, other in zip(made.parameters(), before.parameters(), strict=True):
            assert one.grad is not None
            assert other.grad is not None
            assert one.grad.norm() <= other.grad.norm() * (1 + 1e-6)


def test_refuses() -> None:
    with pytest.raises(ValidationError, match="value"):
        Clip(kind="norm", value=0.0)
    with pytest.raises(ValidationError, match="kind"):
        Clip(kind="length", value=1.0)  # type: ignore[arg-type]
