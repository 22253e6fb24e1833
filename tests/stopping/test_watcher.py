"""A watcher of rows sees each row once, from the step on at which the network is settled."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn

from temper.stopping.watcher import RowWatcher
from temper.training.supervised import Supervised


class Rows(RowWatcher):
    """Keeps all it sees, and stops at 9."""

    def __init__(self, settled: int = 0) -> None:
        super().__init__("height", settled)
        self.all: list[float] = []

    def see(self, value: float) -> None:
        super().see(value)
        self.all.append(value)

    def verdict(self) -> str | None:
        return "high enough" if self.value is not None and self.value >= 9 else None


def trainer(step: int = 0, fn: TrainerFn = TrainerFn.FITTING) -> Any:
    state = SimpleNamespace(fn=fn)
    return SimpleNamespace(global_step=step, world_size=1, should_stop=False, check_val_every_n_epoch=5, state=state)


def module(row: dict[str, float]) -> Any:
    made = Supervised.__new__(Supervised)
    object.__setattr__(made, "row", row)
    return made


def test_sees_each_row_once() -> None:
    watcher, now = Rows(), trainer()
    first = module({"height": 3.0})
    watcher.on_train_batch_end(now, first, None, None, 0)
    watcher.on_train_batch_end(now, first, None, None, 1)
    watcher.on_validation_end(now, first)
    watcher.on_validation_end(now, module({"step": 4}))
    watcher.on_validation_end(now, module({"height": 3.0}))
    assert watcher.all == [3.0, 3.0]
    assert not now.should_stop
    assert now.check_val_every_n_epoch == 5


def test_what_the_run_ends_with_is_validated() -> None:
    watcher, now = Rows(), trainer()
    watcher.on_train_batch_end(now, module({"height": 9.0}), None, None, 0)
    assert (now.should_stop, now.check_val_every_n_epoch, watcher.reason) == (True, 1, "high enough")


def test_all_ranks_go_by_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def broadcast(tensor: torch.Tensor, src: int) -> None:
        assert src == 0
        tensor.fill_(9.0)

    monkeypatch.setattr(torch.distributed, "broadcast", broadcast)
    watcher, now = Rows(), trainer()
    now.world_size, now.strategy = 2, SimpleNamespace(root_device=torch.device("cpu"))
    watcher.on_train_batch_end(now, module({"height": 3.0}), None, None, 0)
    assert now.should_stop
    assert watcher.state_dict() == {"value": 9.0}


@pytest.mark.parametrize(("step", "seen"), [(9, []), (10, [9.0])])
def test_waits_until_the_network_is_settled(step: int, seen: list[float]) -> None:
    watcher = Rows(settled=10)
    watcher.on_train_batch_end(trainer(step), module({"height": 9.0}), None, None, 0)
    assert watcher.all == seen


def test_the_last_evaluation_is_no_training() -> None:
    watcher, now = Rows(), trainer(fn=TrainerFn.VALIDATING)
    watcher.on_validation_end(now, module({"height": 9.0}))
    assert watcher.all == []


def test_a_run_that_was_stopped_stays_so() -> None:
    before, after, now = Rows(), Rows(), trainer()
    before.on_train_batch_end(trainer(), module({"height": 9.5}), None, None, 0)
    after.load_state_dict(before.state_dict())
    after.on_train_start(now, None)
    assert now.should_stop
    assert after.reason == before.reason
