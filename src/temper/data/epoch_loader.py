"""The order in which examples are seen: a function of (seed, epoch), and of the latest losses where these are ranked.

A global batch is cut into ``world x accumulate`` pieces of nearly equal size; micro-batch ``m`` of rank ``r`` is piece
``m * world + r``. Each piece carries its share, pieces · size / batch size, by which its mean loss is multiplied: the
gradient averaged over ranks and summed over micro-batches is then that of the whole batch, whatever the cut. A batch
too small to give every piece an example lends its first piece, with share 0, to those that went without; a batch that
sampling left empty lends an example of the data to all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from temper.data.latest import LatestLosses
from temper.data.pictures import Pictures
from temper.data.views import AS_IT_IS, View
from temper.facts import Examples
from temper.quantity import Clock
from temper.strategy import Sampling


class Rows(NamedTuple):
    """Which rows of which batch these are.

    Attributes:
        epoch, batch: the global batch that the rows belong to.
        number: of the micro-batch since the start of the run.
        parts: sizes of all pieces of the global batch, in order.
        start, size: the rows of the global batch that these are.
        share: what their mean loss is multiplied by.
    """

    epoch: int
    batch: int
    number: int
    parts: tuple[int, ...]
    start: int
    size: int
    share: float


class Batch(NamedTuple):
    """What a step gets: inputs (n, ...), targets (n,) or (n, k), where they stand in the run, and how they are seen.

    In training ``examples`` (n,) says which of the training examples they are, on the device that holds these.
    The views of test-time augmentation are batches of the same rows, one after the other, the images as they are first.
    """

    inputs: Tensor
    targets: Tensor
    rows: Rows
    view: View = AS_IT_IS
    examples: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a global batch is cut: among ``world`` ranks, of which this is ``rank``, each in ``accumulate`` pieces."""

    world: int = 1
    rank: int = 0
    accumulate: int = 1

    def sizes(self, count: int) -> tuple[int, ...]:
        """Return the sizes of the pieces of a batch of ``count`` examples."""
        pieces = self.world * self.accumulate
        whole, rest = divmod(count, pieces)
        return tuple(whole + (piece < rest) for piece in range(pieces))


def steps_in_epoch(examples: int, batch_size: int, drop_last: bool) -> int:
    """Return how many global batches an epoch has."""
    return examples // batch_size if drop_last else -(-examples // batch_size)


def lent(batch: Tensor) -> Tensor:
    """Return the rows of a batch; of one that sampling left empty, a row that does not count."""
    return batch if len(batch) else batch.new_zeros(1)


class EpochLoader:
    """Yields this rank's micro-batches of one epoch after another; where it stands is its state.

    Args:
        examples: all training examples, on the device where the batches are wanted.
        batch_size: of an epoch's global batches.
        clock: which says how many global batches an epoch has.
        sampling: which examples an epoch holds.
        cut: how a global batch is cut.
        seed: of the order.
        latest: the examples' losses, where the sampling asks for them.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        batch_size: Callable[[int], int],
        clock: Clock,
        sampling: Sampling,
        cut: Cut,
        seed: int,
        latest: LatestLosses | None = None,
    ) -> None:
        self.examples, self.batch_size, self.clock, self.cut, self.seed = examples, batch_size, clock, cut, seed
        self.latest = latest
        self.sampling, self.targets = sampling, examples.targets.cpu()  # drawn from on the CPU: alike on every machine
        self.epoch, self.position = 0, 0  # of the micro-batch to hand out next

    def __len__(self) -> int:
        return self.clock.steps(self.epoch) * self.cut.accumulate

    def batches(self, epoch: int) -> list[Tensor]:
        """Return the rows of the examples in each global batch of ``epoch``."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        size, steps, epochs = self.batch_size(epoch), self.clock.steps(epoch), self.clock.epochs
        if self.latest is None or epoch >= epochs:  # beyond the run: of all examples, whatever it has found out
            return self.sampling.batches(self.targets, size, steps, generator)
        count = self.sampling.count(self.sampling.size(self.targets), epoch, epochs)
        rows = self.sampling.narrowed(self.latest.losses, count, generator)
        return [rows[drawn] for drawn in self.sampling.batches(self.targets[rows], size, steps, generator)]

    def __iter__(self) -> Iterator[Batch]:
        epoch, count = self.epoch, len(self)
        if self.latest is not None and epoch < self.clock.epochs:
            self.latest.turn(epoch)
        drawn, positions = self.batches(epoch), range(self.position, count)
        held = torch.cat(drawn).to(self.examples.inputs.device)  # one copy an epoch, not one a step
        batches = torch.split(held, [len(batch) for batch in drawn])

        def piece(position: int) -> tuple[Tensor, Rows]:
            step, micro = divmod(position, self.cut.accumulate)
            return self._piece(batches[step], epoch, step, micro)

        for position, (inputs, chosen, rows) in zip(positions, self._read(map(piece, positions)), strict=True):
            # Before the batch is handed out: nobody asks again after an epoch's last one.
            self.epoch, self.position = (epoch, position + 1) if position + 1 < count else (epoch + 1, 0)
            yield Batch(inputs, self.examples.targets.index_select(0, chosen), rows, examples=chosen)

    def _read(self, pieces: Iterable[tuple[Tensor, Rows]]) -> Iterator[tuple[Tensor, Tensor, Rows]]:
        inputs: Any = self.examples.inputs
        if isinstance(inputs, Pictures):
            held = list(pieces)
            read = inputs.stream([chosen.tolist() for chosen, _ in held])
            yield from ((images, *piece) for images, piece in zip(read, held, strict=True))
        else:
            yield from ((inputs.index_select(0, chosen), chosen, rows) for chosen, rows in pieces)

    def _piece(self, batch: Tensor, epoch: int, step: int, micro: int) -> tuple[Tensor, Rows]:
        """Return the rows of the examples in this piece, and where they stand."""
        empty, batch = not len(batch), lent(batch)
        parts = self.cut.sizes(len(batch))
        mine = micro * self.cut.world + self.cut.rank
        share = 0.0 if empty else len(parts) * parts[mine] / len(batch)
        taken = mine if parts[mine] else 0
        start, size = sum(parts[:taken]), parts[taken]
        number = (self.clock.start(epoch) + step) * self.cut.accumulate + micro
        rows = Rows(epoch, step, number, parts, start, size, share)
        return batch[start : start + size], rows

    def state_dict(self) -> dict[str, Any]:
        """Return where the loader stands."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.epoch, self.position = state["epoch"], state["position"]


class OnceLoader:
    """Yields each example once, in order; ranks take turns at contiguous rows, so that none is seen twice.

    Where there are several ``views``, each batch comes once for each of them, tagged; its inputs are as they are
    stored, and whoever prepares a batch makes the view.
    """

    def __init__(self, examples: Examples, *, batch_size: int, cut: Cut, views: tuple[View, ...] = (AS_IT_IS,)) -> None:
        sizes = Cut(world=cut.world).sizes(len(examples))
        self.start = sum(sizes[: cut.rank])
        self.stop = self.start + sizes[cut.rank]
        self.examples, self.batch_size, self.longest, self.views = examples, batch_size, max(sizes), views

    def __len__(self) -> int:
        # As many on each rank, the last perhaps with no row that counts: ranks meet in each forward pass.
        return self._pieces * len(self.views)

    @property
    def _pieces(self) -> int:
        return -(-self.longest // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        starts = [min(self.start + number * self.batch_size, self.stop) for number in range(self._pieces)]
        sizes = [min(self.batch_size, self.stop - start) for start in starts]
        # Of a piece without rows, one that does not count.
        taken = [slice(start, start + size) if size else slice(0, 1) for start, size in zip(starts, sizes, strict=True)]
        for number, (inputs, rows) in enumerate(zip(self._read(taken), taken, strict=True)):
            size, start = sizes[number], starts[number]
            standing = Rows(0, number, number, (size,), start, size, 1.0)
            yield from (Batch(inputs, self.examples.targets[rows], standing, view) for view in self.views)

    def _read(self, taken: list[slice]) -> Iterator[Tensor]:
        inputs: Any = self.examples.inputs
        if isinstance(inputs, Pictures):
            return inputs.stream([list(range(rows.start, rows.stop)) for rows in taken])
        return (inputs[rows] for rows in taken)
