"""Gradual pruning against its equation and a sort by hand, in a real Trainer, over a resume, and bad values."""

import io
import warnings
from pathlib import Path

import lightning as L
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.pruning.magnitude import Magnitude, prunable_weights, smallest
from temper.quantity import Clock

GOOD = {"sparsity": 0.8, "start": 0.1, "end": 0.7, "every": "1%", "scope": "global"}


class Module(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(
            nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 2)
        )
        self.beside = nn.Linear(3, 3)

    def training_step(self, batch: list[torch.Tensor], at: int) -> torch.Tensor:
        return (self.network(batch[0]) - 1).square().mean() + self.beside.weight.sum() * 1e-3

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


def fit(module: Module, callbacks: list[L.Callback], folder: Path, ckpt: Path | None = None, **knobs) -> L.Trainer:
    generator = torch.Generator().manual_seed(1)
    data = torch.utils.data.TensorDataset(torch.randn(16, 1, 6, generator=generator))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and on resuming
        trainer = L.Trainer(
            accelerator="cpu",
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            **{"max_epochs": 5, **knobs},
        )
        trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=4), ckpt_path=ckpt, weights_only=True)
    return trainer


class Watch(L.Callback):
    """Count zeros after each optimizer step, and save at one of them."""

    def __init__(self, save_at: int = -1, path: Path | None = None) -> None:
        self.zeros: dict[int, int] = {}
        self.patterns: list[list[torch.Tensor]] = []
        self.save_at, self.path = save_at, path

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Module, *_: object) -> None:
        patterns = [weight == 0 for weight in prunable_weights(pl_module.network).values()]
        self.patterns.append(patterns)
        self.zeros[trainer.global_step] = sum(int(pattern.sum()) for pattern in patterns)
        if trainer.global_step == self.save_at:
            trainer.save_checkpoint(self.path)


NUMEL = 4 * 3 + 16 * 9 + 9 * 2


def by_the_paper(step: int, final: float, first: int, last: int, every: int) -> float:
    """Equation 1 of arXiv:1710.01878, the initial sparsity being 0, held between two renewals."""
    if step < first:
        return 0.0
    if step >= last:
        return final
    renewed = first + (step - first) // every * every
    return final + (0.0 - final) * (1 - (renewed - first) / (last - first)) ** 3


@pytest.mark.parametrize(("start", "end", "every"), [(0.1, 0.7, "2steps"), (0.0, 1.0, "1%"), (0.5, 0.5, "1%")])
def test_follows_the_paper_s_schedule_in_a_real_run(tmp_path: Path, start: float, end: float, every: str) -> None:
    record = Magnitude(**{**GOOD, "start": start, "end": end, "every": every})
    watch, module = Watch(), Module()
    fit(module, [record.callback(Clock((0, 4, 8, 12, 16, 20))), watch], tmp_path)
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
    fit(module, [record.callback(Clock((0, 4, 8, 12, 16, 20)))], tmp_path)
    zeros = [int((weight == 0).sum()) for weight in prunable_weights(module.network).values()]
    assert zeros == [round(0.75 * 12), round(0.75 * 144), round(0.75 * 18)]


def test_removal_before_the_first_step(tmp_path: Path) -> None:
    module = Module()
    expected = sorted(value for w in prunable_weights(module.network).values() for value in w.abs().flatten().tolist())
    callback = Magnitude(**{**GOOD, "start": 0.0, "end": 0.0}).callback(Clock((0, 4)))
    trainer = type("At", (), {"global_step": 0})()
    callback.on_train_start(trainer, module)
    left = sorted(value for w in prunable_weights(module.network).values() for value in w.abs().flatten().tolist())
    gone = round(0.8 * NUMEL)
    assert left == [0.0] * gone + expected[gone:]


def by_hand(values: list[float], count: int, gone: set[int]) -> set[int]:
    order = sorted(range(len(values)), key=lambda at: (at not in gone, abs(values[at]), at))
    return set(order[: max(count, len(gone))])


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]), min_size=2, max_size=24),
    share=st.floats(0, 0.99),
    cut=st.integers(1, 23),
    data=st.data(),
)
def test_the_smallest_are_those_of_a_sort_by_hand(
    values: list[float], share: float, cut: int, data: st.DataObject
) -> None:
    cut = min(cut, len(values) - 1)
    gone = data.draw(st.sets(st.integers(0, len(values) - 1)))
    weights = {"a": torch.tensor(values[:cut]), "b": torch.tensor(values[cut:])}
    marked = torch.tensor([at in gone for at in range(len(values))])
    masks = smallest(weights, share, {"a": marked[:cut], "b": marked[cut:]})
    found = torch.cat([masks["a"], masks["b"]]).nonzero().flatten().tolist()
    assert set(found) == by_hand(values, round(share * len(values)), gone)


def test_a_resumed_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    clock, record, path = Clock((0, 4, 8, 12, 16, 20)), Magnitude(**GOOD), tmp_path / "last.ckpt"
    whole = Module()
    fit(whole, [record.callback(clock), Watch(save_at=8, path=path)], tmp_path)
    resumed, watch = Module(), Watch()
    fit(resumed, [record.callback(clock), watch], tmp_path, ckpt=path)
    assert min(watch.zeros) == 9
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_the_masks_of_a_checkpoint_hold_whatever_the_weights_are() -> None:
    module, callback = Module(), Magnitude(**GOOD).callback(Clock((0, 4, 8, 12, 16, 20)))
    largest = module.network[3].weight.abs() > 0.2
    assert largest.any()
    callback.load_state_dict({"3.weight": largest})
    callback.on_train_start(type("At", (), {"global_step": 3})(), module)
    assert (module.network[3].weight[largest] == 0).all()


def test_the_state_is_bool_tensors_that_open_safely(tmp_path: Path) -> None:
    callback = Magnitude(**GOOD).callback(Clock((0, 4, 8, 12, 16, 20)))
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
    callback = Magnitude(**{**GOOD, "start": 0.0, "end": 1.0}).callback(Clock((0, 2, 4, 6, 8, 10)))
    renewals: list[float] = []
    renew = callback._renew
    callback._renew = lambda weights, share: (renewals.append(share), renew(weights, share))
    fit(Module(), [callback, watch], tmp_path, accumulate_grad_batches=2)
    assert len(renewals) == 11
    assert watch.zeros[10] == round(0.8 * NUMEL)


def test_weights_that_layers_share_are_counted_once() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    assert list(prunable_weights(network)) == ["0.weight"]


def test_is_settled_at_its_end() -> None:
    assert Magnitude(**GOOD).settled == 0.7


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
