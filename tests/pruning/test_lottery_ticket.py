"""Lottery tickets against trainings by hand in plain torch, over a resume, and what is kept on the way."""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.pruning.conftest import CLOCK, NUMEL, Module, Watch, fit
from torch import Tensor, nn
from torch.nn import functional as F

from temper.command.command_line import options
from temper.command.job import Job
from temper.experiment import make
from temper.facts import ParameterGroup
from temper.pruning.lottery_ticket import KEY, LotteryTicket, _forget_steps
from temper.quantity import Clock
from temper.run import run
from temper.training.supervised import Supervised

GOOD = {"sparsity": 0.8, "rounds": 4, "rewind": 0.05, "scope": "global"}
# Of 20 steps: a training of 8, and two more from step 2 on.
TWO = {"sparsity": 0.6, "rounds": 2, "rewind": 0.25, "scope": "global"}
TWICE = [1 - 0.4**0.5, 0.6]  # each round removes the same share of what is left
WORDS = (
    *("trainer=cpu", "trainer.threads=1", "precision=64-true", "epochs=5", "batch_size=300", "task.hidden=[6]"),
    *("optimizer=momentum", "scheduler=linear", "scheduler.warmup=2steps", "pruning=lottery_ticket"),
    *(f"pruning.{name}={value}" for name, value in TWO.items()),
)
EARLY, LENGTH = 2, 8
RATES = [0.025, 0.05, *(0.05 * (1 - step / 6) for step in range(6))]  # of a training: the warm-up, then the line


def train_by_hand(
    module: nn.Module,
    network: nn.Module,
    losses: Iterable[Callable[[], Tensor]],
    shares: Sequence[float],
    rates: Sequence[float],
) -> None:
    """Train ``module`` once and again after each removal from ``network``, as the papers say, in plain torch."""
    kept, gone, ahead = {}, set(), iter(losses)
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv1d)]

    @torch.no_grad()
    def remove() -> None:
        flat = torch.cat([weight.flatten() for weight in weights])
        flat[sorted(gone)] = 0.0
        for weight, part in zip(weights, flat.split([weight.numel() for weight in weights]), strict=True):
            weight.copy_(part.view(weight.shape))

    for training in range(len(shares) + 1):
        optimizer = torch.optim.SGD(module.parameters(), lr=1.0, momentum=0.9)
        for step in range(EARLY if training else 0, LENGTH):
            if not training and step == EARLY:
                kept = deepcopy(module.state_dict())
            optimizer.param_groups[0]["lr"] = rates[step]
            optimizer.zero_grad()
            next(ahead)().backward()
            optimizer.step()
            remove()
        if training < len(shares):
            values = [value for weight in weights for value in weight.flatten().tolist()]
            order = sorted(range(len(values)), key=lambda at: (at not in gone, abs(values[at])))
            gone = set(order[: round(shares[training] * len(values))])
            module.load_state_dict(kept)
            remove()
    assert next(ahead, None) is None


def assert_close(module: nn.Module, state: dict[str, Tensor]) -> None:
    assert module.state_dict().keys() == state.keys()
    for name, weight in module.state_dict().items():
        torch.testing.assert_close(state[name], weight, rtol=0, atol=1e-10, msg=name)


def test_is_what_two_rounds_by_hand_come_to(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[nn.Module] = []
    seen: list[tuple[Tensor, Tensor]] = []
    step = Supervised.training_step

    def watched(self: Supervised, batch: Any, at: int) -> Tensor:
        if not began:
            began.append(deepcopy(self.network))
        seen.append((batch.inputs.clone(), batch.targets.clone()))
        return step(self, batch, at)

    monkeypatch.setattr(Supervised, "training_step", watched)
    job = job_of(*WORDS, "flush_every=1")
    report = run(job)
    (network,) = began
    losses = [lambda x=x, y=y: F.cross_entropy(network(x), y) for x, y in seen]
    train_by_hand(network, network, losses, TWICE, RATES)
    kept = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert_close(network, {name.removeprefix("network."): value for name, value in kept.items()})
    header, *rows = [line.split(",") for line in (job.folder / "metrics.csv").read_text().splitlines()]
    rates = [float(row[header.index("learning_rate")] or "nan") for row in rows]
    assert [rate for rate in rates if rate == rate] == pytest.approx([*RATES, *RATES[EARLY:], *RATES[EARLY:]])
    weights, biases = 64 * 6 + 6 * 10, 6 + 10
    assert report.complexity.parameters == weights + biases
    assert report.complexity.nonzero_parameters == weights - round(0.6 * weights) + biases


def test_statistics_go_back_too(tmp_path: Path) -> None:
    watch, module, other = Watch(), Module().double(), Module().double()
    module.network.insert(0, Double())
    other.network.insert(0, Double())
    fit(module, [LotteryTicket(**TWO).callback(CLOCK, seed=0), watch], tmp_path)
    generator = torch.Generator().manual_seed(1)
    batches = torch.randn(16, 1, 6, generator=generator).split(4)
    losses = [lambda at=at: other.training_step([batches[at % 4]], at) for at in range(20)]
    train_by_hand(other, other.network, losses, TWICE, [0.05] * LENGTH)
    assert_close(other, module.state_dict())
    assert module.network[2].num_batches_tracked == LENGTH
    assert [watch.zeros[step] for step in range(1, 21)] == [
        *[0] * 8,
        *[round(TWICE[0] * NUMEL)] * 6,
        *[round(0.6 * NUMEL)] * 6,
    ]


class Double(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.double()


def test_parts_of_an_accumulated_batch_are_no_steps(tmp_path: Path) -> None:
    module, renewals = Module(), []
    callback = LotteryTicket(**{**TWO, "rewind": 0.0}).callback(Clock((0, 2, 4, 6, 8, 10)), seed=0)
    renew = callback.renew
    callback.renew = lambda network, share: (renewals.append(share), renew(network, share))
    fit(module, [callback], tmp_path, accumulate_grad_batches=2)
    assert renewals == pytest.approx(TWICE)
    assert sum(int(mask.sum()) for mask in callback.removed.values()) == round(0.6 * NUMEL)


def last(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return loaded


def test_a_resumed_run_ends_as_one_that_was_never_stopped(
    job_of: Callable[..., Job], cut_off: Callable[..., None], tmp_path: Path
) -> None:
    words = (*WORDS, "checkpoint_seconds=1e-9")
    run(job_of(*words, folder=tmp_path / "whole"))
    whole = last(tmp_path / "whole")["state_dict"]
    for step in (2, 8, 11, 17):  # at the early state; at the end of the first training, in the next, in the last
        job = job_of(*words, folder=tmp_path / str(step))
        cut_off(job, step, "on_train_batch_start")
        before = last(job.folder)
        assert before["global_step"] == step
        assert (before[KEY].keys() == before["state_dict"].keys()) == (2 < step <= 14)
        run(job)
        after = last(job.folder)
        assert after["state_dict"].keys() == whole.keys()
        assert all(torch.equal(after["state_dict"][name], weight) for name, weight in whole.items()), step
        assert after[KEY] == {}, "it is of no use after the last removal"


def test_only_the_last_training_is_chosen_from(job_of: Callable[..., Job]) -> None:
    # Trainings end where epochs end: the one before the last is validated after the step at which that begins.
    job = job_of(*WORDS, "epochs=6", "pruning.rewind=0.0", "validate_every=1")
    assert job.experiment.pruning.settled(Clock((0, 4, 8, 12, 16, 20, 24))) == 17
    assert job.experiment.pruning.begins(Clock((0, 4, 8, 12, 16, 20, 24))) == 9
    run(job)
    best = torch.load(job.folder / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] in (20, 24)
    masks = best["callbacks"]["pruning"]
    assert sum(int(mask.sum()) for mask in masks.values()) == round(0.6 * sum(mask.numel() for mask in masks.values()))
    assert all((best["state_dict"][f"network.{name}"][mask] == 0).all() for name, mask in masks.items())


@pytest.mark.parametrize("name", options("optimizer"))
def test_every_optimizer_forgets_its_steps(name: str, composed: Callable[..., dict[str, Any]]) -> None:
    record = make(composed(f"optimizer={name}")["optimizer"], "optimizer")
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    group = ParameterGroup(names=("weight", "bias"), parameters=(layer.weight, layer.bias), rate=1.0, decay=1.0)

    def build() -> torch.optim.Optimizer:
        return record.build([group])

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = layer(torch.ones(4, 3)).square().sum()
        value.backward()
        return value

    def built() -> Any:
        return [build().state_dict()]

    optimizer = build()
    for _ in range(3):
        optimizer.step(loss)
    assert not same([optimizer.state_dict()], built()) or name == "sgd"
    optimizer.param_groups[0]["lr"] = 0.125
    trainer = SimpleNamespace(optimizers=[optimizer])
    _forget_steps(trainer, SimpleNamespace(configure_optimizers=build))
    assert optimizer.param_groups[0]["lr"] == 0.125
    for knobs, fresh in zip(optimizer.param_groups, build().param_groups, strict=True):
        knobs["lr"] = fresh["lr"]
    assert same([optimizer.state_dict()], built())


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@settings(deadline=None)
@given(epochs=st.integers(1, 12), steps=st.integers(1, 30), rounds=st.integers(1, 9), rewind=st.floats(0, 0.99))
def test_trainings_fill_the_run(epochs: int, steps: int, rounds: int, rewind: float) -> None:
    clock = Clock(tuple(range(0, epochs * steps + 1, steps)))
    record = LotteryTicket(**{**GOOD, "rounds": rounds, "rewind": rewind})
    laps = [record.lap(step, clock) for step in range(clock.total_steps)]
    assert laps[0][0] == 0
    begins = [0, *(at for at, (one, other) in enumerate(pairwise(laps), start=1) if other[0] != one[0] + 1)]
    early = {laps[at][0] for at in begins[1:]}
    assert len(begins) <= rounds + 1
    assert len(early) <= 1
    for begin, end in pairwise([*begins, clock.total_steps]):
        assert laps[end - 1][0] == laps[end - 1][1].total_steps - 1  # the schedule ends with the training
        assert len({own for _, own in islice(laps, begin, end)}) == 1
        assert list(laps[begin][1].epoch_starts[:-1]) == list(range(0, laps[begin][1].total_steps, steps))
    assert record.settled(clock) <= clock.total_steps
    if clock.total_steps > 20 * rounds:
        longest = clock.total_steps / (1 + rounds * (1 - rewind))
        assert [own.total_steps for _, own in laps] == pytest.approx([longest] * len(laps), abs=2)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"sparsity": 1.0}, "sparsity.*less than 1"),
        ({"rounds": 0}, "rounds.*greater than 0"),
        ({"rewind": 1.0}, "rewind.*less than 1"),
        ({"rewind": -1e-9}, "rewind.*greater than or equal to 0"),
        ({"scope": "network"}, "'global' or 'layer'"),
    ],
)
def test_refuses(knobs: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        LotteryTicket(**{**GOOD, **knobs})
