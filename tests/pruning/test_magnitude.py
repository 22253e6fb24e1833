"""Gradual pruning against its equation, in a real Trainer, over a resume, and bad values."""

import io
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from tests.pruning.conftest import CLOCK, NUMEL, Module, Watch, by_the_paper, fit

from temper.pruning.magnitude import Magnitude
from temper.pruning.masks import prunable_weights
from temper.quantity import Clock

GOOD = {"sparsity": 0.8, "start": 0.1, "end": 0.7, "every": "1%", "scope": "global"}


@pytest.mark.parametrize(("start", "end", "every"), [(0.1, 0.7, "2steps"), (0.0, 1.0, "1%"), (0.5, 0.5, "1%")])
def test_follows_the_paper_s_schedule_in_a_real_run(tmp_path: Path, start: float, end: float, every: str) -> None:
    record = Magnitude(**{**GOOD, "start": start, "end": end, "every": every})
    watch, module = Watch(), Module()
    fit(module, [record.callback(CLOCK, seed=0), watch], tmp_path)
    gap = 2 if every == "2steps" else 1
    for step in range(1, 21):
        share = by_the_paper(step, 0.8, int(start * 20), int(end * 20), gap)
        assert watch.zeros[step] == round(share * NUMEL), step
    for before, after in zip(watch.patterns, watch.patterns[1:], strict=False):
        assert all((later | ~earlier).all() for earlier, later in zip(before, after, strict=True))
    others = [p for name, p in module.named_parameters() if name not in {f"network.{at}.weight" for at in (0, 3, 5)}]
    assert len(others) == 7
    assert all((parameter != 0).any() for parameter in others)
    assert (module.beside.weight != 0).all()
    assert (module.network[1].weight != 0).all()


def test_each_layer_loses_its_own_share(tmp_path: Path) -> None:
    module = Module()
    record = Magnitude(**{**GOOD, "scope": "layer", "sparsity": 0.75})
    fit(module, [record.callback(CLOCK, seed=0)], tmp_path)
    zeros = [int((weight == 0).sum()) for weight in prunable_weights(module.network).values()]
    assert zeros == [round(0.75 * 12), round(0.75 * 144), round(0.75 * 18)]


def test_removal_before_the_first_step(tmp_path: Path) -> None:
    module = Module()
    expected = sorted(value for w in prunable_weights(module.network).values() for value in w.abs().flatten().tolist())
    callback = Magnitude(**{**GOOD, "start": 0.0, "end": 0.0}).callback(Clock((0, 4)), seed=0)
    trainer = type("At", (), {"global_step": 0})()
    callback.on_train_start(trainer, module)
    left = sorted(value for w in prunable_weights(module.network).values() for value in w.abs().flatten().tolist())
    gone = round(0.8 * NUMEL)
    assert left == [0.0] * gone + expected[gone:]


def test_a_resumed_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    record, path = Magnitude(**GOOD), tmp_path / "last.ckpt"
    whole = Module()
    fit(whole, [record.callback(CLOCK, seed=0), Watch(save_at=8, path=path)], tmp_path)
    resumed, watch = Module(), Watch()
    fit(resumed, [record.callback(CLOCK, seed=0), watch], tmp_path, ckpt=path)
    assert min(watch.zeros) == 9
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_the_state_is_bool_tensors_that_open_safely(tmp_path: Path) -> None:
    callback = Magnitude(**GOOD).callback(CLOCK, seed=0)
    fit(Module(), [callback], tmp_path)
    file = io.BytesIO()
    torch.save(callback.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert set(state) == {"0.weight", "3.weight", "5.weight"}
    assert {mask.dtype for mask in state.values()} == {torch.bool}
    assert sum(int(mask.sum()) for mask in state.values()) == round(0.8 * NUMEL)


def test_parts_of_an_accumulated_batch_are_no_steps(tmp_path: Path) -> None:
    watch = Watch()
    callback = Magnitude(**{**GOOD, "start": 0.0, "end": 1.0}).callback(Clock((0, 2, 4, 6, 8, 10)), seed=0)
    renewals: list[float] = []
    renew = callback.renew
    callback.renew = lambda network, share: (renewals.append(share), renew(network, share))
    fit(Module(), [callback, watch], tmp_path, accumulate_grad_batches=2)
    assert len(renewals) == 11
    assert watch.zeros[10] == round(0.8 * NUMEL)


def test_is_settled_at_its_end() -> None:
    assert Magnitude(**GOOD).settled(CLOCK) == 14
    assert Magnitude(**GOOD).settled(Clock((0, 9))) == 7  # 6.3: the first step by which 0.7 of the run lies behind


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"sparsity": 1.0}, "sparsity.*less than 1"),
        ({"sparsity": -1e-9}, "sparsity.*greater than or equal to 0"),
        ({"start": 0.71}, r"start must be at most end \(0\.7\)"),
        ({"end": 1.0000001}, "end.*less than or equal to 1"),
        ({"every": "0"}, "every must be longer than 0"),
        ({"every": 10}, "length with its unit"),
        ({"scope": "network"}, "'global' or 'layer'"),
    ],
)
def test_refuses(knobs: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Magnitude(**{**GOOD, **knobs})
