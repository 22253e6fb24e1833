"""The files of a public data set on disk: fetched where they are absent, opened only with the official checksum."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from temper.data.cache import cached, file_stamps
from temper.data.corruption import corrupt
from temper.data.download import one_at_a_time
from temper.data.split import set_apart
from temper.facts import Examples, Splits
from temper.quantity import AboveOne, Fraction, NonNegativeCount, Positive, Switch
from temper.strategy import Data, strategy

Files = Mapping[str, tuple[int | None, str]]  # name: length in bytes (None: not known here) and MD5


@dataclass(frozen=True, kw_only=True)
class OfficialFiles:
    """A folder of files whose contents are known.

    Attributes:
        name: of the data set, as one writes it.
        root: the folder that the user names.
        inside: the folder beneath it that holds the files.
        files: what each must be.
        by_hand: what to do where it cannot be fetched.
        fetch: gets the folder that it is handed; OSError: it cannot.
    """

    name: str
    root: str
    inside: str
    files: Files
    by_hand: str
    fetch: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Return the folder that holds the files, or is to hold them."""
        return Path(self.root).expanduser().absolute() / self.inside

    def prepare(self, download: bool) -> None:
        """Look that each file is there and whole (contents are checked as they are read); fetch them if none is.

        Raises:
            ValueError: a file is missing or has another length, or the folder is absent and cannot be fetched.
        """
        if not self.folder.is_dir():
            with one_at_a_time(self.inside.replace("/", "-")):
                if not self.folder.is_dir():
                    self._fetch(download)
        for name, (size, _) in self.files.items():
            path = self.folder / name
            if not path.is_file():
                raise ValueError(f"{path} is missing: {self._way_out}")
            if size is not None and path.stat().st_size != size:
                raise ValueError(f"{path} has {path.stat().st_size} bytes instead of {size}: {self._way_out}")

    def content(self, name: str) -> bytes:
        """Return the bytes of the file called ``name``.

        Raises:
            ValueError: the file is not the official one; names it.
        """
        path = self.folder / name
        content = path.read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != self.files[name][1]:
            raise ValueError(f"{path} is not the official file, its checksum is another: {self._way_out}")
        return content

    @property
    def _way_out(self) -> str:
        return f"delete {self.folder} to have it fetched again, or name another copy's parent: data.root=FOLDER"

    def _fetch(self, download: bool) -> None:
        fault = "data.download=false"
        if download:
            try:
                self.fetch(self.folder)
            except OSError as error:
                fault = f"fetching it failed: {error}"
            else:
                return
        raise ValueError(
            f"{self.name} is not at {self.folder} ({fault}): {self.by_hand} "
            f"and name the folder that then holds {self.inside}: data.root=FOLDER"
        )


@strategy
class OfficialImages(Data):
    """A public set of images, of which some of the training part may be set apart for validation."""

    images: ClassVar[bool] = True
    training_images: ClassVar[int]

    root: Annotated[str, Field(min_length=1)]
    download: Switch
    cache: Annotated[str, Field(min_length=1)] | None
    validation: NonNegativeCount
    drop_last: Switch
    label_noise: Fraction | None
    imbalance: AboveOne | None
    input_noise: Positive | None

    @model_validator(mode="after")
    def _leaves_some_to_train_on(self) -> Self:
        if self.validation >= self.training_images:
            raise ValueError(
                f"validation={self.validation} leaves none of {self.training_images} images to train on: lower it"
            )
        return self

    @property
    @abstractmethod
    def files(self) -> OfficialFiles:
        """Return the files of the set."""

    @abstractmethod
    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return the training and the test part as the files have them, and the names of the classes."""

    def prepare(self) -> None:
        """Look that each file is there and whole (contents are checked as they are read); fetch them if none is.

        Raises:
            ValueError: a file is missing or has another length, or the folder is absent and cannot be fetched.
        """
        self.files.prepare(self.download)

    def splits(self) -> Splits:
        """Return images (n, c, h, w) uint8 and classes (n,) int64; validation holds as many of each class.

        Raises:
            ValueError: a file is not the official one; names it. Or imbalance leaves a class empty.
        """
        files = self.files
        splits = cached(
            self._whole,
            name=files.inside.split("/")[0].lower(),
            identity={"folder": str(files.folder), "validation": self.validation, "files": dict(files.files)},
            sources=file_stamps({name: files.folder / name for name in files.files}),
            folder=self.cache,
        )
        return corrupt(splits, label_noise=self.label_noise, imbalance=self.imbalance, input_noise=self.input_noise)

    def _whole(self) -> Splits:
        train, test, names = self.parts()
        train, validation = set_apart(train, self.validation)
        return Splits(train=train, validation=validation, test=test, class_names=names)
