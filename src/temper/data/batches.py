"""From examples in memory to the batches that a step trains on.

    stored example -> batch on the device -> augmentation on pixels -> preprocessing -> augmentation on values

Tables are preprocessed once, when they are set up; images stay uint8 until their batch is made.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.nn import functional as F

from temper.data.epoch_loader import Batch, Cut, EpochLoader, OnceLoader, Rows
from temper.data.latest import LatestLosses
from temper.data.pipeline import Pipeline, to_float
from temper.data.resize import resized
from temper.data.views import Level, views
from temper.facts import Examples, Facts, Splits
from temper.sending import sent
from temper.strategy import Augmentation, Sampling

__all__ = ["Batch", "Batches"]

MEASURED_TRAIN_EXAMPLES = 10_000  # how many training examples the final training metrics are measured on
EVALUATED_AT_ONCE = 500
DTYPES = {"64-true": torch.float64, "bf16-true": torch.bfloat16}


class Batches(L.LightningDataModule):
    """The one datamodule: splits in, augmented and preprocessed batches out.

    Args:
        splits: the examples.
        facts: of the run.
        pipeline: preprocessing, fitted.
        augmentation: by name, in order.
        batch_size: of an epoch's global batches.
        accumulate: how many micro-batches each rank's share of a batch is cut into.
        sampling: which examples an epoch holds.
        seed: of order and augmentation.
        precision: Lightning's name of it, which decides the type of the inputs.
        channels_last: whether images are laid out channels last.
        side: the pixels of the shorter side of training's images in an epoch; None where they are as they are stored.
        test_time_augmentation: which views of the test set's images are looked at; None: the images as they are.
        parts: the cut within whose pieces mixing partners lie, where it is not this run's own.

    Attributes:
        tested: the names of the sets that `test_dataloader` gives, in order.
        changed: of a network that was trained before, how the data differs from what it has learned; None: nowise.
    """

    def __init__(
        self,
        splits: Splits,
        facts: Facts,
        pipeline: Pipeline,
        augmentation: Mapping[str, Augmentation],
        *,
        batch_size: Callable[[int], int],
        accumulate: int,
        sampling: Sampling,
        seed: int,
        precision: str,
        channels_last: bool,
        test_time_augmentation: Level | None,
        side: Callable[[int], int] | None = None,
        parts: Cut | None = None,
    ) -> None:
        super().__init__()
        self.splits, self.facts, self.pipeline, self.augmentation = splits, facts, pipeline, augmentation
        self.accumulate, self.sampling, self.seed = accumulate, sampling, seed
        self._batch_size, self._side, self.test_time_augmentation = batch_size, side, test_time_augmentation
        self.dtype, self.channels_last, self.parts = DTYPES.get(precision, torch.float32), channels_last, parts
        self.tested: tuple[str, ...] = ("test", "train") + (("val",) if splits.validation is not None else ())
        self._mixes = any(step.mixes for step in augmentation.values())
        self._images = splits.train.inputs.dtype == torch.uint8
        self._ready: dict[str, Examples] = {}
        self._loader: EpochLoader | None = None
        self._position = {"epoch": 0, "position": 0}
        self._lots: Tensor | None = None
        self.latest: LatestLosses | None = None
        self.changed: str | None = None

    def batch_size(self, epoch: int) -> int:
        """Return the size of the global batches of ``epoch``; beyond the run, as in its last one."""
        return self._batch_size(min(epoch, self.facts.clock.epochs - 1))

    def setup(self, stage: str) -> None:
        """Put the examples where the batches are made; tables are preprocessed on the way.

        Images are preprocessed batch by batch on the device that trains, which may not have room for all of them.
        """
        if self._ready:
            return
        storage = self._storage()
        pipeline = self.pipeline.to(storage)
        named = {"train": self.splits.train, "val": self.splits.validation, "test": self.splits.test}
        for name, examples in named.items():
            if examples is None:
                continue
            target = examples.targets
            if self.facts.kind == "regression":
                target = (target - self.facts.target_mean) / self.facts.target_deviation
            elif self.facts.kind == "binary":
                target = target.float()
            inputs = examples.inputs.to(storage)
            held = inputs if self._images else pipeline(inputs)
            self._ready[name] = Examples(held, target.to(held.device))  # images on disk come to the CPU
        if self.sampling.remembers:
            self.latest = LatestLosses(len(self.learned), self._device())
        self.pipeline = self.pipeline.to(self._device())

    @property
    def learned(self) -> Examples:
        """Return the whole training set as `setup` left it: tables preprocessed, targets as the loss sees them."""
        return self._ready["train"]

    def train_dataloader(self) -> EpochLoader:
        """Return this rank's micro-batches, in the order of the seed and the epoch, from where the run stands."""
        stands = self._loader.state_dict() if self._loader else self._position
        self._loader = self._new_loader()
        self._loader.load_state_dict(stands)
        return self._loader

    def samples(self, count: int) -> Iterator[Tensor]:
        """Yield training inputs, about ``count`` of them, as batches that a step might see, the same on each rank.

        They are of an epoch that the run never reaches, so that what is done with them hangs on no step.
        """
        loader = self._new_loader(Cut())
        loader.load_state_dict({"epoch": self.facts.clock.epochs, "position": 0})
        for batch in loader:
            moved = self.transfer_batch_to_device(batch, self._device(), 0)
            yield self._finished(moved, augmented=True).inputs
            count -= batch.rows.size
            if count <= 0:
                return

    def val_dataloader(self) -> Any:
        """Return each validation example once; an empty list where none were set apart."""
        return self.evaluated("val", None) if "val" in self._ready else []

    def test_dataloader(self) -> list[OnceLoader]:
        """Return the sets that the final report measures, in the order of ``tested``; views are those of the test set.

        What is compared with validation and training are the images as they are.
        """
        levels = {"test": self.test_time_augmentation}
        return [self.evaluated(name, levels.get(name)) for name in self.tested]

    def evaluated(self, name: str, level: Level | None) -> OnceLoader:
        """Return the examples of the set ``name`` once, of training no more than are measured, in ``level``'s views."""
        held, most = self._ready[name], MEASURED_TRAIN_EXAMPLES if name == "train" else None
        examples = Examples(held.inputs[:most], held.targets[:most])
        return OnceLoader(examples, batch_size=EVALUATED_AT_ONCE, cut=self._cut(), views=views(level))

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Return the batch on ``device``; Lightning's own way looks at every number of its rows, in each step."""
        if batch.inputs.device == device:
            return batch
        inputs, targets = sent(batch.inputs, device), sent(batch.targets, device)
        return Batch(inputs, targets, batch.rows, batch.view, batch.examples)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment a training batch and preprocess any, on the device that holds it."""
        return self._finished(batch, augmented=self.trainer is not None and self.trainer.training)

    def _finished(self, batch: Batch, augmented: bool) -> Batch:
        inputs, targets = batch.inputs, batch.targets
        if augmented and self.augmentation:
            inputs, targets = self.augment(batch)
        elif self._images:
            inputs = self._values(inputs, batch.rows) if augmented else self.pipeline(batch.view.of(inputs))
        inputs = inputs.to(self.dtype)
        if self.channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        if targets.is_floating_point():
            targets = targets.to(self.dtype)
        return Batch(inputs, targets, batch.rows, batch.view, batch.examples)

    def augment(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the rows of a batch varied, and preprocessed on the way, with soft targets where they are mixed."""
        inputs, targets, rows = batch.inputs, batch.targets, batch.rows
        if self._mixes and self.facts.kind == "multiclass":
            targets = F.one_hot(targets, self.facts.classes).float()
        seed = ((self.seed * 1_000_003 + rows.epoch) * 1_000_003 + rows.batch) % 2**63
        generator = torch.Generator().manual_seed(seed)
        # The draws are for the whole batch, so that they do not depend on how it is cut.
        parts = rows.parts if self.parts is None else self.parts.sizes(sum(rows.parts))
        raw = self._images
        for step in self.augmentation.values():
            if raw and step.wants == "values":
                inputs, raw = self._values(inputs, rows), False
            drawn = step.draw(parts, tuple(inputs.shape[1:]), generator)
            mine = {name: values[rows.start : rows.start + rows.size] for name, values in drawn.items()}
            if step.recalls:
                mine |= step.recall(self._lots_of(batch), rows.epoch)
            mine = {
                name: values if name in step.chooses else sent(values, inputs.device) for name, values in mine.items()
            }
            inputs, targets = step.apply(inputs, targets, mine)
        return (self._values(inputs, rows) if raw else inputs), targets

    def _values(self, images: Tensor, rows: Rows) -> Tensor:
        """Return what a step sees of images (n, c, h, w): of their epoch's size, and preprocessed."""
        if self._side is not None and rows.epoch < self.facts.clock.epochs:  # beyond the run: as evaluation sees them
            images = resized(to_float(images), self._side(rows.epoch))
        return self.pipeline(images)

    def note(self, batch: Batch, losses: Tensor) -> None:
        """Take in the losses (n,) of a training batch, for a sampling that asks for them."""
        if self.latest is not None and batch.rows.share:
            assert batch.examples is not None
            self.latest.note(sent(batch.examples, losses.device), losses.detach())

    def _lots_of(self, batch: Batch) -> Tensor:
        """Return a number in [0, 1) for each row, (n,), that is its example's own in every epoch of the run."""
        assert batch.examples is not None
        if self._lots is None:
            generator = torch.Generator().manual_seed((self.seed * 1_000_003 - 1) % 2**63)  # no epoch's own
            self._lots = torch.rand(len(self.learned), generator=generator).to(batch.examples.device)
        return self._lots[batch.examples]

    def state_dict(self) -> dict[str, Any]:
        """Return where the run stands, and what preprocessing remembers, for those who have only the checkpoint."""
        fitted = {name: dict(kept) for name, kept in self.pipeline.to(torch.device("cpu")).fitted.items()}
        # Lightning restores a loader's state only if it thinks that an epoch was cut off; here it is always restored.
        position = self._loader.state_dict() if self._loader else self._position
        latest = {} if self.latest is None else {"latest": self.latest.state_dict()}
        return {"position": position, "fitted": fitted, **latest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken; what is fitted on today's examples is the same."""
        self._position = state["position"]
        latest = state.get("latest")  # None of a run that another sampling has drawn; or it is of other examples
        if self.latest is not None and latest is not None and len(latest["losses"]) == len(self.learned):
            self.latest.load_state_dict(latest)

    def _new_loader(self, cut: Cut | None = None) -> EpochLoader:
        return EpochLoader(
            self._ready["train"],
            batch_size=self.batch_size,
            clock=self.facts.clock,
            sampling=self.sampling,
            cut=cut or self._cut(),
            seed=self.seed,
            latest=self.latest,
        )

    def _cut(self) -> Cut:
        if self.trainer is None:
            return Cut(accumulate=self.accumulate)
        return Cut(world=self.trainer.world_size, rank=self.trainer.global_rank, accumulate=self.accumulate)

    def _device(self) -> torch.device:
        """Return the device that trains."""
        return self.trainer.strategy.root_device if self.trainer is not None else torch.device("cpu")

    def _storage(self) -> torch.device:
        """Return where the examples lie: on the GPU that trains if they leave it room, else on the CPU."""
        device = self._device()
        if device.type != "cuda":
            return torch.device("cpu")
        free, _ = torch.cuda.mem_get_info(device)
        sets = (self.splits.train, self.splits.validation, self.splits.test)
        size = sum(part.inputs.nbytes for part in sets if part is not None)
        return device if size < free / 2 else torch.device("cpu")


def truncated(splits: Splits, train: int, evaluated: int) -> Splits:
    """Return ``splits`` cut to so many examples each."""
    validation = None if splits.validation is None else splits.validation[:evaluated]
    return replace(splits, train=splits.train[:train], validation=validation, test=splits.test[:evaluated])


def memorised(splits: Splits, count: int) -> Splits:
    """Return splits that train, validate and test on the same first ``count`` training examples."""
    few = splits.train[:count]
    return replace(splits, train=few, validation=few, test=few, note=f"debug: {count} examples, the same for all")
