"""The user's own table, a CSV or a Parquet file: any columns of numbers or words, one of which is to be predicted.

    y = the column called ``target``    few whole numbers or words: classes; other numbers: a regression
    x = all others but ``ignore``       numbers as they are, words as one column of 0 and 1 each

How words are encoded and which means fill gaps is read off the table whenever it is needed, also to predict and to
evaluate: the table must then be there, as it was, and a checkpoint holds by what to tell. Columns of different units
want preprocessing=[standardize]. A cell that is empty, or says NA, null or another of pandas' words for it, is missing;
where words are asked for, by ``categorical`` or, of labels without a number, ``kind=classification``, the empty one
alone.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from pydantic import BeforeValidator, model_validator
from torch import Tensor

from temper.data.corruption import corrupt
from temper.data.encoding import Column, Labels, TableKind, encode, fit_column, read_labels, refuse_empty
from temper.data.sheet import Sheet, number, read_sheet
from temper.data.split import check_shares, cut
from temper.facts import Examples, Splits
from temper.quantity import AboveOne, Fraction, Positive, ProperFraction, Switch
from temper.strategy import Data, strategy

Missing = Literal["refuse", "mean", "drop"]
_CLASSES = "data.kind=classification"


def _is_named(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("a table needs both: data.path=FILE.csv data.target=COLUMN")
    return value


def _as_typed(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value  # a column may be called 2


Name = Annotated[str, BeforeValidator(_as_typed)]
Named = Annotated[Name, BeforeValidator(_is_named)]


@dataclass(frozen=True)
class _Learned:
    """What a table holds, without rows left out.

    Attributes:
        inputs: (n, features), with nan for a missing number.
        numbers: of each row, by which the file's reader finds it.
        dropped: how many rows were left out.
    """

    columns: tuple[Column, ...]
    inputs: Tensor
    labels: Labels
    numbers: tuple[int, ...]
    dropped: int


@strategy
class Table(Data):
    """Rows of a file."""

    images: ClassVar[bool] = False

    path: Named
    target: Named
    kind: TableKind
    missing: Missing
    categorical: tuple[Name, ...] | None
    ignore: tuple[Name, ...] | None
    validation: ProperFraction
    test: ProperFraction
    drop_last: Switch
    label_noise: Fraction | None
    imbalance: AboveOne | None
    input_noise: Positive | None

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        check_shares(len(self._learned.inputs), self.validation, self.test)
        for name in ("label_noise", "imbalance"):
            if getattr(self, name) is not None and not self.classes:
                raise ValueError(
                    f"{name}={getattr(self, name):g} is of classes, and column {self.target} holds values: leave it"
                    " null, or set data.kind=classification"
                )
        return self

    @property
    def classes(self) -> int:
        """Return the number of different labels; 0 for a regression."""
        return len(self._learned.labels.class_names)

    @property
    def numbered(self) -> bool:
        """Return whether the classes are numbers, which may be meant as values."""
        return self.classes > 0 and all(number(name) is not None for name in self._learned.labels.class_names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the columns of numbers, and for each word of the others ``column=word``."""
        return tuple(name for column in self._learned.columns for name in column.names)

    @property
    def _contents(self) -> Mapping[str, str]:
        """Return a checksum of the rows, as they lie in the file, and of what their columns and labels are called."""
        held = self._learned
        names = "\n".join([*self.feature_names, "", *held.labels.class_names]).encode()
        found = zlib.crc32(names)
        for values in (held.inputs, held.labels.targets):
            found = zlib.crc32(values.contiguous().numpy().tobytes(), found)
        return {"rows": f"{found:08x}"}

    @property
    def fills(self) -> tuple[float, ...]:
        """Return the means of the columns of numbers, and 0 for words, where missing=mean."""
        if self.missing != "mean":
            return ()
        means = self._means(self._cut.train).tolist()
        words = [column.words is not None for column in self._learned.columns for _ in range(column.width)]
        return tuple(0.0 if word else mean for word, mean in zip(words, means, strict=True))

    def splits(self) -> Splits:
        """Return inputs (n, features) float32 and targets (n,), float32 or class indices int64.

        Raises:
            ValueError: missing=mean, and a column has no value in any training row; names it. Or imbalance leaves a
                class none.
        """
        splits = self._whole
        if self.label_noise is None and self.imbalance is None and self.input_noise is None:
            return splits
        numbers = torch.tensor([column.words is None for column in self._learned.columns for _ in range(column.width)])
        return corrupt(
            splits,
            label_noise=self.label_noise,
            imbalance=self.imbalance,
            input_noise=self.input_noise,
            ranges=splits.train.inputs.std(0, correction=0) * numbers,  # a word is there or not
        )

    @property
    def _whole(self) -> Splits:
        held, splits = self._learned, replace(self._cut, contents=self._contents)
        if held.dropped:
            splits = splits.noted(f"{held.dropped} rows with missing values left out")
        if self.missing != "mean":
            return splits
        means = self._means(splits.train)

        def filled(examples: Examples) -> Examples:
            return replace(examples, inputs=_filled(examples.inputs, means))

        validation = None if splits.validation is None else filled(splits.validation)
        return replace(splits, train=filled(splits.train), validation=validation, test=filled(splits.test))

    def places(self, origins: Sequence[int]) -> list[str]:
        """Return the rows of the file, as its reader counts them."""
        return [f"row {origin:,}" for origin in origins]

    def read(self, path: Path) -> Tensor:
        """Return the user's rows, (n, features): a table with the same columns in any order, with labels or without.

        Raises:
            ValueError: a column is missing, or a cell does not fit it; names the row and the column.
        """
        sheet = replace(read_sheet(path), words=frozenset(self.categorical or ()))
        columns = self._learned.columns
        for column in columns:
            sheet.check(column.name)
        if self.missing != "mean":
            _refuse_missing(sheet, [column.name for column in columns], "a prediction needs every value")
            return encode(sheet, columns)
        return _filled(encode(sheet, columns), self._means(self._cut.train))

    @property
    def _cut(self) -> Splits:
        held = self._learned
        examples = Examples(held.inputs, held.labels.targets, torch.tensor(held.numbers))
        # Mixed: a file is often sorted by its labels, and what looks at the first examples alone would see few of them.
        return cut(examples, self.validation, self.test, class_names=held.labels.class_names, mixed=True)

    @property
    def _learned(self) -> _Learned:
        path = Path(self.path).expanduser().absolute()
        stat = path.stat() if path.is_file() else None
        stamp = (stat.st_mtime_ns, stat.st_size) if stat else None
        return _learn(path, stamp, self.target, self.kind, self.missing, self.categorical or (), self.ignore or ())

    def _means(self, train: Examples) -> Tensor:
        means = train.inputs.nanmean(0)
        names = [column.name for column in self._learned.columns for _ in range(column.width)]
        for name, mean in zip(names, means.tolist(), strict=True):
            if mean != mean:
                raise ValueError(
                    f"data.missing=mean: column {name} has no value in the training rows: data.ignore=[{name}]"
                )
        return means


@lru_cache(maxsize=4)  # asked for by each record that is made of the same table
def _learn(
    path: Path,
    stamp: tuple[int, int] | None,
    target: str,
    kind: TableKind,
    missing: Missing,
    categorical: tuple[str, ...],
    ignore: tuple[str, ...],
) -> _Learned:
    """Return what the table at ``path`` holds; ``stamp`` tells one state of the file from another."""
    sheet = read_sheet(path)
    for knob, asked in (("target", (target,)), ("categorical", categorical), ("ignore", ignore)):
        for name in asked:
            try:
                sheet.check(name)
            except ValueError as fault:
                raise ValueError(f"{knob}={name}: {fault}") from None
    if target in categorical:
        raise ValueError(f"categorical={target}: it is the target: data.kind=classification takes it for classes")
    for name in ignore:
        if name == target or name in categorical:
            raise ValueError(f"ignore={name}: it is named as {'target' if name == target else 'categorical'} too")
    names = [name for name in sheet.columns if name != target and name not in ignore]
    if not names:
        raise ValueError(f"target={target}: {path} has no other column to predict it from")
    named = (*categorical, target) if kind == "classification" and _of_words(sheet, target) else categorical
    sheet = replace(sheet, words=frozenset(named))
    rows = len(sheet.numbers)
    refuse_empty(sheet, names, target, ignore)
    if missing == "drop":
        sheet = _complete(sheet, [*names, target])
    elif missing == "refuse":
        way = "data.missing=drop leaves such rows out, mean fills in a column's mean"
        _refuse_missing(sheet, names, way, "data.categorical=[{}]")
        _refuse_missing(sheet, [target], "mend it, or leave such rows out, data.missing=drop", _CLASSES)
    else:
        way = "a mean is no label: mend it, or leave such rows out, data.missing=drop"
        _refuse_missing(sheet, [target], way, _CLASSES)
    columns = tuple(fit_column(sheet, name) for name in names)
    _refuse_alike(sheet, columns)
    inputs = encode(sheet, columns)
    return _Learned(columns, inputs, read_labels(sheet, target, kind), tuple(sheet.numbers), rows - len(sheet.numbers))


def _complete(sheet: Sheet, names: Iterable[str]) -> Sheet:
    gaps = {row for name in names for row in _gaps(sheet, name)}
    if len(gaps) == len(sheet.numbers):
        raise ValueError(f"missing=drop: every row of {sheet.path} misses a value: data.ignore=[COLUMN], or mean")
    return sheet.only([row for row in range(len(sheet.numbers)) if row not in gaps]) if gaps else sheet


def _refuse_missing(sheet: Sheet, names: Iterable[str], way: str, as_word: str = "") -> None:
    """Refuse gaps; ``as_word`` would take what is written in one, if anything, for a word of its column."""
    gaps = [(row, name) for name in names for row in _gaps(sheet, name)]
    if gaps:
        row, name = gaps[0]
        more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        cell = sheet.columns[name][row]
        if cell and as_word and _of_words(sheet, name):
            way += f"; if {cell} is a word, {as_word.format(name)}"
        raise ValueError(f"{sheet.place(row, name)}: the value is missing{more}: {way}")


def _refuse_alike(sheet: Sheet, columns: Iterable[Column]) -> None:
    """Refuse a word of one column that is called as another column is, or as a word of it."""
    held: dict[str, str] = {}
    for column in columns:
        for name in column.names:
            if (other := held.setdefault(name, column.name)) != column.name:
                raise ValueError(
                    f"{sheet.path}: columns {other} and {column.name} would both be read as {name}, by a word of one:"
                    f" rename one, or leave it out, data.ignore=[{min(other, column.name, key=len)}]"
                )


def _gaps(sheet: Sheet, name: str) -> list[int]:
    return [row for row in range(len(sheet.numbers)) if sheet.is_missing(row, name)]


def _of_words(sheet: Sheet, name: str) -> bool:
    return all(number(cell) is None for cell in sheet.columns[name])


def _filled(inputs: Tensor, means: Tensor) -> Tensor:
    return torch.where(inputs.isnan(), means, inputs)
