"""What a training step costs: a run's own against a loop written by hand, and against the least that Lightning does.

A run's step goes through the Trainer, the module, the batches, and the recorder with CSV and bar. The loop by hand and
Lightning's floor see the same network, data, order and augmentation, and keep no log; that the first computes the same
losses is checked before anything is timed.
"""

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import lightning as L
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

from temper import bf16
from temper.benchmark.case import CIFAR, RECORD, Block, Case, Stopwatch, ratio, take_turns
from temper.command.job import Job
from temper.report.record import Report
from temper.report.units import in_seconds
from temper.run import build_trainer
from temper.trainer.emulation import precision_arguments
from temper.training.folder import Folder
from temper.training.progress import Bar

LONG = ("data.validation=0", "epochs=2000")  # so that no block outlasts its run
STEP = {
    "digits_mlp": ("task=mlp", *LONG),
    "linear_regression": ("task=linear_regression", *LONG),
    "resnet20": CIFAR,
    "resnet18": (*CIFAR, "task.stages=4", "task.depth=18"),
    "cifar10_94": (*RECORD, *LONG),  # steps of the smallest images, with all layers learning
}
FLOORED = ("digits_mlp", "linear_regression")  # where a step is so short that Lightning's own share shows
ON_REQUEST = ("resnet18", "cifar10_94")  # a minute or more on a CPU
TOLERANCE = 1e-5


class TimedBar(Bar):
    """A bar that adds up the seconds it takes."""

    seconds = 0.0

    def advance(self, step: int) -> None:
        """Do as a bar does, and time it."""
        begun = time.perf_counter()
        super().advance(step)
        self.seconds += time.perf_counter() - begun

    def tell(self, step: int, epoch: int, values: Mapping[str, float | int]) -> None:
        """Do as a bar does, and time it."""
        begun = time.perf_counter()
        super().tell(step, epoch, values)
        self.seconds += time.perf_counter() - begun


class Watch(L.Callback):
    """Ends a fit when ``done``, called with each step's outputs, says so."""

    def __init__(self, done: Callable[[Any], bool]) -> None:
        self.done = done

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any) -> None:
        """Ask."""
        trainer.should_stop = self.done(outputs)


def house(case: Case, done: Callable[[Any], bool], bar: bool = True) -> float:
    """Train as a run does until ``done``, the bar drawn or not; return the seconds a step that the bar took."""
    with tempfile.TemporaryDirectory() as place, Path(os.devnull).open("w") as nowhere:
        folder = Folder(Path(place))
        job = Job(experiment=case.experiment, config=case.config, folder=folder.path)
        machine, console = case.experiment.trainer.arguments(), Console(file=nowhere, force_terminal=bar)
        module, report = case.module(), Report(command="")
        trainer, recorder, _ = build_trainer(job, machine, folder, report, module, case.batches, console)
        recorder.bar = timed = TimedBar(console, module.facts.clock.total_steps)
        trainer.callbacks.append(Watch(done))  # type: ignore[attr-defined]
        trainer.fit(module, datamodule=case.batches)
        return timed.seconds / trainer.global_step


class Epochs:
    """The same micro-batches as a run's, made by hand: each iteration is the next epoch."""

    def __init__(self, case: Case) -> None:
        self.case, self.epoch, facts = case, 0, case.batches.facts
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        train, self.pipeline = case.batches.splits.train, case.batches.pipeline.to(self.device)
        self.images = train.inputs.dtype == torch.uint8
        inputs, targets = train.inputs.to(self.device), train.targets.to(self.device)
        self.inputs = inputs if self.images else self.pipeline(inputs)
        real = facts.kind == "regression"
        self.targets = (targets - facts.target_mean) / facts.target_deviation if real else targets
        lots = torch.Generator().manual_seed((case.experiment.seed * 1_000_003 - 1) % 2**63)
        self.lots = torch.rand(len(inputs), generator=lots)

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.case.batches.batch_size(0)) * self.case.experiment.accumulate

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches, (seed, epoch) = self.case.batches, (self.case.experiment.seed, self.epoch)
        self.epoch += 1
        order = torch.randperm(len(self.inputs), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        if not self.images:
            for rows in torch.split(order.to(self.device), batches.batch_size(0)):
                yield self.inputs.index_select(0, rows), self.targets.index_select(0, rows)
            return
        for number, rows in enumerate(torch.split(order, batches.batch_size(0))):
            random = torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + number)
            draws = [step.draw((len(rows),), batches.facts.shape, random) for step in batches.augmentation.values()]
            for piece in torch.arange(len(rows)).tensor_split(self.case.experiment.accumulate):
                yield self._images(rows[piece], epoch, [{k: v[piece] for k, v in drawn.items()} for drawn in draws])

    def _images(self, rows: Tensor, epoch: int, draws: Sequence[dict[str, Tensor]]) -> tuple[Tensor, Tensor]:
        chosen = rows.to(self.device)
        inputs, targets = self.inputs.index_select(0, chosen), self.targets.index_select(0, chosen)
        batches, experiment = self.case.batches, self.case.experiment
        for step, drawn in zip(batches.augmentation.values(), draws, strict=True):
            whole = drawn | (step.recall(self.lots[rows], epoch) if step.recalls else {})
            sent = {name: values if name in step.chooses else values.to(self.device) for name, values in whole.items()}
            inputs, targets = step.apply(inputs, targets, sent)
        full = inputs.shape[-1]
        side = experiment.resolution.side(full, epoch, experiment.epochs)
        if side != full:
            inputs = F.interpolate(inputs.float() / 255, (side, side), mode="bilinear", antialias=True)
        inputs = self.pipeline(inputs)
        if batches.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, targets


def by_hand(case: Case) -> Iterator[Tensor]:
    """Train in a plain loop; yield each micro-batch's loss."""
    experiment, clock, epochs = case.experiment, case.batches.facts.clock, Epochs(case)
    network = case.module().network.to(epochs.device).train()
    optimizer = experiment.optimizer.build(experiment.groups.build(nn.ModuleDict({"network": network})))
    rates = [group["lr"] for group in optimizer.param_groups]
    loss_of, mixed = loss_function(case), experiment.precision == "bf16-mixed"
    pieces, count = experiment.accumulate, 0
    while True:
        for inputs, targets in epochs:
            with torch.autocast(epochs.device.type, torch.bfloat16, enabled=mixed), bf16.rounded(epochs.device):
                loss = loss_of(network(inputs), targets)
            torch.autograd.backward(loss if pieces == 1 else loss / pieces)
            count += 1
            if count % pieces == 0:
                factor = experiment.scheduler.warmed_factor(count // pieces - 1, clock)
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
                optimizer.step()
                optimizer.zero_grad()
            yield loss.detach()


def loss_function(case: Case) -> Callable[[Tensor, Tensor], Tensor]:
    """Return PyTorch's own function of the loss that the cases here are trained by."""
    if case.batches.facts.kind == "regression":
        return F.mse_loss
    smoothing = getattr(case.experiment.loss, "smoothing", 0.0)
    return partial(F.cross_entropy, label_smoothing=smoothing) if smoothing else F.cross_entropy


class Bare(L.LightningModule):
    """The least that Lightning trains: no log, no schedule."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case, self.network, self.loss_of = case, case.module().network, loss_function(case)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss, ()."""
        inputs, targets = batch
        return self.loss_of(self.network(inputs), targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the run's optimizer."""
        return self.case.experiment.optimizer.build(self.case.experiment.groups.build(self.network))


def floor(case: Case, done: Callable[[Any], bool]) -> None:
    """Train as Lightning does at the least, until ``done``."""
    machine = case.experiment.trainer.arguments()
    trainer = L.Trainer(
        **machine,
        **precision_arguments(case.experiment.precision, machine),
        max_epochs=-1,  # a fast machine is through with a small run before the time is up
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Watch(done)],
    )
    trainer.fit(Bare(case), train_dataloaders=Epochs(case))


def house_block(case: Case, seconds: float, bar: bool = True) -> float:
    """Return the seconds a step of a run."""
    watch = Stopwatch(seconds)
    house(case, lambda outputs: watch.tick(), bar)
    return watch.per_step


def floor_block(case: Case, seconds: float) -> float:
    """Return the seconds a step of Lightning's floor."""
    watch = Stopwatch(seconds)
    floor(case, lambda outputs: watch.tick())
    return watch.per_step


def largest_difference(words: Sequence[str], root: str, steps: int = 50) -> float:
    """Return by how much the losses of a run and of the loop by hand differ at most, at batch 64."""
    case, losses = Case.of([*words, "batch_size=64"], root), list[float]()

    def note(outputs: Any) -> bool:
        losses.append(outputs["loss"].item() * case.experiment.accumulate)  # Lightning has divided it
        return len(losses) >= steps

    # A GPU's kernels repeat themselves only where they are asked to, and round to fewer digits unless they are not.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        house(case, note)
        hand = [loss.item() for loss in itertools.islice(by_hand(case), steps)]
    return max(abs(one - other) for one, other in zip(losses, hand, strict=True))


def hand_block(case: Case, seconds: float) -> float:
    """Return the seconds a step of the loop written by hand."""
    return Stopwatch(seconds).run(by_hand(case))


def measure_steps(names: Sequence[str], root: str, seconds: float, rounds: int) -> tuple[Table, dict[str, Any]]:
    """Return what a step costs, as a table and as the JSON object."""
    table = Table("network", "ours", "by hand", "ratio", "floor", "ratio to floor", "losses differ by")
    found: dict[str, Any] = {"benchmark": "step", "ratio_step": {}, "ratio_floor": {}, "loss_difference": {}}
    for name in names:
        if name == "bar":
            table.add_row("bar, of a resnet20 step", f"{measure_bar(found, root, seconds, rounds):.2%}")
            continue
        apart = found["loss_difference"][name] = largest_difference(STEP[name], root)
        if apart > TOLERANCE:
            raise SystemExit(f"{name}: the losses of the loop by hand differ by {apart:.1e}: nothing was timed")
        case = Case.of(STEP[name], root)
        blocks: dict[str, Block] = {
            "house": partial(house_block, case, seconds),
            "hand": partial(hand_block, case, seconds),
        }
        if name in FLOORED:
            blocks["floor"] = partial(floor_block, case, seconds)
        taken = take_turns(blocks, rounds)
        shown = {rival: in_seconds(median(values)) for rival, values in taken.items()}
        found["ratio_step"][name] = round(ratio(taken["house"], taken["hand"]), 3)
        if name in FLOORED:
            found["ratio_floor"][name] = round(ratio(taken["house"], taken["floor"]), 3)
        floors = (shown.get("floor", ""), str(found["ratio_floor"].get(name, "")))
        table.add_row(name, shown["house"], shown["hand"], str(found["ratio_step"][name]), *floors, f"{apart:.0e}")
    return table, found


def measure_bar(found: dict[str, Any], root: str, seconds: float, rounds: int) -> float:
    """Return the share of a resnet20 step that the bar takes by its own clock; note it and the ratio of on to off."""
    case = Case.of(STEP["resnet20"], root)
    drawn: list[float] = []

    def on() -> float:
        watch = Stopwatch(seconds)
        drawn.append(house(case, lambda outputs: watch.tick()) / watch.per_step)
        return watch.per_step

    taken = take_turns({"on": on, "off": partial(house_block, case, seconds, False)}, rounds)
    found["bar_share"], found["ratio_bar"] = round(median(drawn), 6), round(ratio(taken["on"], taken["off"]), 3)
    return median(drawn)
