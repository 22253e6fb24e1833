"""Images that stay on disk: what stands in for a tensor of them where they do not fit in memory.

They are read in the order in which batches want them, by the workers of torch's DataLoader, some batches ahead.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from temper.refusal import Refusal

MOST_WORKERS = 8  # beyond it, one process that trains is rarely kept waiting
FITTED_ON = 10_000  # images that statistics are taken of
Change = Callable[[Tensor, int], Tensor]  # an image (c, h, w) and its number -> what is made of it


class Pictures(Dataset[Any]):
    """Image files, each read as a tensor of uint8 shaped ``one``; what of a tensor's own is needed is offered alike.

    Args:
        paths: of the images.
        read: reads one file as (1, c, h, w); ValueError: it is no image.
        one: shape (c, h, w) of an image.
        workers: processes that read ahead; 0 reads in the process that trains.
        change: what is made of an image (c, h, w), given its number; None leaves it.
        numbers: of the images, as ``change`` is told them; None counts them.
    """

    dtype = torch.uint8
    device = torch.device("cpu")

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[Path], Tensor],
        one: tuple[int, int, int],
        workers: int,
        change: Change | None = None,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self.paths, self.read, self.one, self.workers = list(paths), read, one, workers
        self.change, self.numbers = change, list(range(len(self.paths)) if numbers is None else numbers)

    @property
    def shape(self) -> torch.Size:
        """Return that of the tensor they stand in for."""
        return torch.Size((len(self.paths), *self.one))

    @property
    def nbytes(self) -> int:
        """Return the bytes that a device would have to hold for them: none."""
        return 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: int | slice | Tensor) -> Any:
        """Return an image, or what is wrong with its file; of several rows, those pictures, unread."""
        if isinstance(rows, int):
            try:
                image = self.read(self.paths[rows])[0]
            except ValueError as fault:  # what a worker raises would come as a page of its own traceback
                return str(fault)
            return image if self.change is None else self.change(image, self.numbers[rows])
        chosen = range(len(self.paths))[rows] if isinstance(rows, slice) else rows.tolist()
        return Pictures(
            [self.paths[row] for row in chosen],
            self.read,
            self.one,
            self.workers,
            self.change,
            [self.numbers[row] for row in chosen],
        )

    def changed(self, change: Change) -> "Pictures":
        """Return the pictures, numbered as they stand now, each as ``change`` makes it."""
        return Pictures(self.paths, self.read, self.one, self.workers, change)

    def to(self, device: torch.device) -> "Pictures":
        """Return themselves: batches of them are moved when they are made."""
        return self

    def sample(self) -> Tensor:
        """Return some of them, read, evenly spread: all, if they are few."""
        with ThreadPoolExecutor() as threads:  # Pillow decodes outside of Python's lock
            return _together(list(threads.map(self.__getitem__, spread(len(self)))))

    def stream(self, batches: Sequence[list[int]]) -> Iterator[Tensor]:
        """Yield the images of each of ``batches``, (rows, c, h, w), in order.

        Raises:
            Refusal: a file is no image; names it.
        """
        loader = DataLoader(self, batch_sampler=batches, num_workers=self.workers, collate_fn=list)
        yield from map(_together, loader)


def spread(count: int) -> list[int]:
    """Return at most ``FITTED_ON`` of ``count`` rows, evenly spread."""
    taken = min(count, FITTED_ON)
    return [number * count // taken for number in range(taken)]


def _together(images: list[Tensor | str]) -> Tensor:
    for image in images:
        if isinstance(image, str):
            raise Refusal(f"{image}: mend or remove it, or leave such files out: data.skip_broken=true")
    return torch.stack(images)  # type: ignore[arg-type]


def workers_of(asked: int | None) -> int:
    """Return how many processes read: those asked for, or what the machine's cores leave to each of its ranks."""
    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) - 1))
