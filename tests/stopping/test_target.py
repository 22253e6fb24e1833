"""Target: a comparison by hand, in a real Trainer, and what it refuses."""

import warnings
from pathlib import Path
from types import SimpleNamespace

import lightning as L
import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from temper.stopping.target import Target


def trainer(value: float, step: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        callback_metrics={"val/score": torch.tensor(value, dtype=torch.float64)},
        global_step=step,
        sanity_checking=False,
        should_stop=False,
        state=SimpleNamespace(fn=TrainerFn.FITTING),
    )


@pytest.mark.parametrize(
    ("better", "value", "stops"),
    [
        ("max", 0.9, True),
        ("max", 0.95, True),
        ("max", 0.8999, False),
        ("min", 0.9, True),
        ("min", 0.85, True),
        ("min", 0.9001, False),
        ("max", float("nan"), False),
        ("min", float("nan"), False),
    ],
)
def test_stops_when_the_target_is_reached(better: str, value: float, stops: bool) -> None:
    watcher = Target().callback("val/score", better, 0.9, 0)
    now = trainer(value)
    watcher.on_validation_end(now, None)
    assert now.should_stop == stops
    assert (watcher.reason is not None) == stops


def test_says_why_and_still_knows_after_a_resume() -> None:
    watcher, other, higher = (Target().callback("val/score", "max", target, 0) for target in (0.5, 0.5, 0.9))
    watcher.on_validation_end(trainer(0.75), None)
    assert watcher.reason == "val/score reached 0.75, the target was 0.5"
    for resumed, stops in ((other, True), (higher, False)):
        resumed.load_state_dict(watcher.state_dict())
        now = trainer(0.0)
        resumed.on_train_start(now, None)
        assert now.should_stop == stops


def test_waits_until_the_network_is_settled() -> None:
    watcher = Target().callback("val/score", "max", 0.5, 10)
    early, late = trainer(0.9, 9), trainer(0.9, 10)
    watcher.on_validation_end(early, None)
    watcher.on_validation_end(late, None)
    assert (early.should_stop, late.should_stop) == (False, True)


class Climb(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(1, 1)

    def training_step(self, batch: list[torch.Tensor], at: int) -> torch.Tensor:
        return self.network(batch[0]).mean()

    def validation_step(self, batch: list[torch.Tensor], at: int) -> None:
        self.log("val/score", float(self.current_epoch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_ends_a_real_run(tmp_path: Path) -> None:
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 1)), batch_size=2)
    watcher = Target().callback("val/score", "max", 2.0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers
        run = L.Trainer(
            accelerator="cpu",
            max_epochs=9,
            callbacks=[watcher],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        run.fit(Climb(), data, data)
    assert run.global_step == 3 * 2
    assert watcher.reason == "val/score reached 2, the target was 2"


def test_refuses_to_go_without_a_target() -> None:
    with pytest.raises(ValueError, match=r"set target=0\.95"):
        Target().callback("val/score", "max", None, 0)
