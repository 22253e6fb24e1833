"""The user's own pictures: one subfolder a class, named as the class, of images of any size and mode.

    root/cat/*.png    class 0, the subfolders by name    every file in them, however deep, that is not hidden
    root/dog/*.jpg    class 1                            upright by EXIF, in RGB, resized bilinearly to size x size

They are held as bytes, three for each pixel of ``size`` x ``size``, decoded once and kept in the cache. A set that
would take more than half of the free memory stays on disk: its files are decoded batch by batch.
"""

import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor

from temper.data.cache import cached, file_stamps
from temper.data.corruption import corrupt
from temper.data.pictures import Pictures, workers_of
from temper.data.reading import check_image, read_image
from temper.data.split import check_shares, cut
from temper.facts import Examples, Splits
from temper.quantity import AboveOne, Count, Fraction, NonNegativeCount, Positive, ProperFraction, Switch
from temper.strategy import Data, strategy

_NAMED = 5  # broken files that a message names; the rest is counted


def _is_named(root: Any) -> Any:
    if root is None or (isinstance(root, str) and not root.strip()):
        raise ValueError("the folder that holds one subfolder a class is needed: data.root=FOLDER")
    return root


@strategy
class ImageFolder(Data):
    """Pictures sorted into folders."""

    images: ClassVar[bool] = True
    many: ClassVar[bool] = True

    root: Annotated[str, BeforeValidator(_is_named)]
    size: Count
    validation: ProperFraction
    test: ProperFraction
    skip_broken: Switch
    cache: Annotated[str, Field(min_length=1)] | None
    in_memory: Switch | None
    workers: NonNegativeCount | None
    drop_last: Switch
    label_noise: Fraction | None
    imbalance: AboveOne | None
    input_noise: Positive | None

    @model_validator(mode="after")
    def _holds_classes(self) -> Self:
        if not self._root.is_dir():
            raise ValueError(f"root={self.root}: there is no {self._root}: name the folder with a subfolder a class")
        if not self._folders:
            raise ValueError(f"root={self.root}: {self._root} has no subfolder: it needs one a class, with its images")
        return self

    @property
    def classes(self) -> int:
        """Return the number of subfolders."""
        return len(self._folders)

    def splits(self) -> Splits:
        """Return images (n, 3, size, size) uint8 and classes (n,) int64, each class's share in every part.

        Raises:
            ValueError: a class is empty, or a file is no image; names what is at fault. Or imbalance leaves one so.
        """
        return corrupt(
            self._whole(),
            label_noise=self.label_noise,
            imbalance=self.imbalance,
            input_noise=self.input_noise,
            one_by_one=True,
        )

    def _whole(self) -> Splits:
        folders = self._folders
        paths = self._numbered
        filled = {index for _, index in paths}
        for index, folder in enumerate(folders):
            if index not in filled:
                raise ValueError(f"{folder} holds no image: put some there, or take the empty folder away")
        stamps = file_stamps({path.relative_to(self._root).as_posix(): path for path, _ in paths})
        told = "".join(f"{name} {length}\n" for name, (length, _) in stamps.items())  # what is in them is not read
        return replace(self._read(paths, stamps), contents={"files": f"{zlib.crc32(told.encode()):08x}"})

    def _read(self, paths: list[tuple[Path, int]], stamps: dict[str, list[int]]) -> Splits:
        if self._on_disk(len(paths)):
            return self._split(*self._look_at(paths))
        return cached(
            lambda: self._split(*self._read_all(paths)),
            name=f"{self._root.name}-{self.size}",
            identity={
                "folder": str(self._root),
                "size": self.size,
                "shares": [self.validation, self.test],
                "skip_broken": self.skip_broken,
                "upright": True,  # caches of before hold pictures as they lie in their files
                "mixed": True,  # or class by class
                "origins": True,  # or without the files' numbers
            },
            sources=stamps,
            folder=self.cache,
        )

    def _split(self, examples: Examples, broken: list[str]) -> Splits:
        folders = self._folders
        for index, folder in enumerate(folders):
            if not (examples.targets == index).any():
                fault = next(each for each in broken if each.startswith(f"{folder}{os.sep}"))
                raise ValueError(f"{folder} holds no file that can be read as an image: {fault}")
        try:
            check_shares(len(examples), self.validation, self.test)
        except ValueError as fault:
            raise ValueError(f"data.{fault}") from None
        # Mixed: the files come class by class, and what looks at the first examples alone would see one class of them.
        names = tuple(folder.name for folder in folders)
        splits = cut(examples, self.validation, self.test, class_names=names, mixed=True)
        if not broken:
            return splits
        skipped = f"{len(broken)} broken {'file' if len(broken) == 1 else 'files'} left out: {_listed(broken)}"
        return splits.noted(skipped)

    def places(self, origins: Sequence[int]) -> list[str]:
        """Return the files' paths within the folder."""
        files = self._numbered
        return [files[origin][0].relative_to(self._root).as_posix() for origin in origins]

    def read(self, path: Path) -> Tensor:
        """Return the user's picture in RGB at the training images' size, (1, 3, size, size) uint8."""
        return read_image(path, height=self.size, width=self.size)

    @property
    def _root(self) -> Path:
        return Path(self.root).expanduser().absolute()

    @property
    def _folders(self) -> list[Path]:
        return sorted(path for path in self._root.iterdir() if path.is_dir() and not path.name.startswith("."))

    @property
    def _numbered(self) -> list[tuple[Path, int]]:
        """Return the files of all classes, each with its class, in the order by which ``origins`` number them."""
        return [(path, index) for index, folder in enumerate(self._folders) for path in _files(folder)]

    def _on_disk(self, count: int) -> bool:
        # Splitting what is in memory holds it twice for a moment.
        return count * 3 * self.size**2 > _free_memory() / 2 if self.in_memory is None else not self.in_memory

    def _look_at(self, paths: list[tuple[Path, int]]) -> tuple[Examples, list[str]]:
        """Return the pictures, unread, and what is wrong with each that was left out.

        To decode all would take as long as an epoch: it is done where broken ones are to be left out, else each file's
        beginning must be an image's, and one that is broken further on is named when it is read.
        """
        check = self.read if self.skip_broken else check_image
        with ThreadPoolExecutor() as threads:
            faults = list(threads.map(lambda pair: _fault(check, pair[0]), paths))
        broken = [fault for fault in faults if fault is not None]
        if broken and not self.skip_broken:
            raise ValueError(f"{_listed(broken)}: mend or remove, or leave such files out: data.skip_broken=true")
        whole = [pair for pair, fault in zip(paths, faults, strict=True) if fault is None]
        pictures: Any = Pictures(
            [path for path, _ in whole], self.read, (3, self.size, self.size), workers_of(self.workers)
        )
        kept = torch.tensor([row for row, fault in enumerate(faults) if fault is None])
        return Examples(pictures, torch.tensor([index for _, index in whole]), kept), broken

    def _read_all(self, paths: list[tuple[Path, int]]) -> tuple[Examples, list[str]]:
        """Return what could be read, and what is wrong with each file that could not."""
        inputs = torch.empty(len(paths), 3, self.size, self.size, dtype=torch.uint8)

        def read(row: int) -> str | None:
            def into(path: Path) -> None:
                inputs[row] = self.read(path)[0]

            return _fault(into, paths[row][0])

        with ThreadPoolExecutor() as threads:  # Pillow decodes outside of Python's lock
            faults = list(threads.map(read, range(len(paths))))
        broken = [fault for fault in faults if fault is not None]
        if broken and not self.skip_broken:
            raise ValueError(f"{_listed(broken)}: mend or remove, or leave such files out: data.skip_broken=true")
        found = Examples(inputs, torch.tensor([index for _, index in paths]), torch.arange(len(paths)))
        return found[torch.tensor([fault is None for fault in faults])] if broken else found, broken


def _files(folder: Path) -> list[Path]:
    held = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())  # a link may lead nowhere
    return sorted(path for path in held if not any(p.startswith(".") for p in path.relative_to(folder).parts))


def _fault(read: Callable[[Path], object], path: Path) -> str | None:
    """Return what ``read`` has against the file, or None."""
    try:
        read(path)
    except ValueError as fault:
        return str(fault)
    return None


def _listed(broken: list[str]) -> str:
    more = len(broken) - _NAMED
    return "; ".join(broken[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _free_memory() -> int:
    """Return the bytes that can be taken without swapping, as Linux tells them, else half of what the machine has."""
    memory = Path("/proc/meminfo")
    if memory.is_file():
        lines = dict(line.split(":", 1) for line in memory.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
