"""How the columns of a user's table become numbers, and its labels classes or values.

a column of numbers    as it is; a missing one is nan
a column of words      one column of 0 and 1 for each word, in alphabetical order; a missing one is 0 in all
labels                 a class for each, in order, or the value
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from temper.data.sheet import Sheet, decimal_comma, number, ornament
from temper.refusal import nearest

TableKind = Literal["auto", "regression", "classification"]
FEW_CLASSES = 20  # up to so many different whole numbers are taken for classes
_MOST_WORDS = 1000  # of one column
_FEW_WORDS = 20  # up to so many, a word may stand in each row


@dataclass(frozen=True)
class Column:
    """One column of inputs: of numbers, or of ``words``."""

    name: str
    words: tuple[str, ...] | None

    @property
    def width(self) -> int:
        """Return how many columns of numbers it becomes."""
        return 1 if self.words is None else len(self.words)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what these are called."""
        return (self.name,) if self.words is None else tuple(f"{self.name}={word}" for word in self.words)


@dataclass(frozen=True)
class Labels:
    """Targets (n,), and the names of the classes; empty for a regression."""

    targets: Tensor
    class_names: tuple[str, ...]


def refuse_empty(sheet: Sheet, names: Sequence[str], target: str, ignored: Sequence[str]) -> None:
    """Refuse columns without any value, which neither a mean nor fewer rows would mend."""

    def empty(name: str) -> bool:
        return all(sheet.is_missing(row, name) for row in range(len(sheet.numbers)))

    if empty(target):
        raise ValueError(f"target={target}: the column holds nothing in {sheet.path}: name another")
    if found := [name for name in names if empty(name)]:
        raise ValueError(
            f"{sheet.path}: column {found[0]} holds nothing: leave it out, data.ignore=[{','.join([*ignored, *found])}]"
        )


def fit_column(sheet: Sheet, name: str) -> Column:
    """Return what the column called ``name`` holds: words, whatever they look like, if it is one of ``sheet.words``.

    Raises:
        ValueError: neither numbers nor few enough words; names the row, the column and the way out.
    """
    categorical = name in sheet.words
    held = [(row, cell) for row, cell in enumerate(sheet.columns[name]) if not sheet.is_missing(row, name)]
    odd = [row for row, cell in held if number(cell) is None]
    if not odd and not categorical:
        _refuse_merging(sheet, name, [value for _, cell in held if (value := number(cell)) is not None])
        return Column(name, None)
    if not categorical:
        _refuse_commas(sheet, name, odd, f"data.categorical=[{name}]")
        _refuse_ornaments(sheet, name, odd, f"data.categorical=[{name}]")
    if not categorical and (most := _most_numbers([cell for _, cell in held])):
        raise ValueError(
            f"{sheet.place(odd[0], name)}: {sheet.columns[name][odd[0]]!r} is no number, as {most} of the column are:"
            f" mend it (a cell without a value is empty), or have the values taken for words, data.categorical=[{name}]"
        )
    words = sorted({cell for _, cell in held})
    if len(words) > _MOST_WORDS or _name_rows(words, len(held)):
        raise ValueError(
            f"{sheet.path}: column {name} holds {len(words)} different words, each of which would be a column:"
            f" leave it out, data.ignore=[{name}]"
        )
    return Column(name, tuple(words))


def encode(sheet: Sheet, columns: Sequence[Column]) -> Tensor:
    """Return the inputs (n, features) float32 of ``columns``; a missing number is nan.

    Raises:
        ValueError: a cell does not fit its column; names the row and the column.
    """
    return torch.from_numpy(np.concatenate([_encoded(sheet, column) for column in columns], axis=1))


def read_labels(sheet: Sheet, name: str, kind: TableKind) -> Labels:
    """Return the labels in the column called ``name``, none of which is missing.

    Numbers are classes if ``kind`` says so, or, for auto, if they are whole and few; words are classes.

    Raises:
        ValueError: a label is no number among numbers; names the row, the column and the way out.
    """
    cells = sheet.columns[name]
    values = [number(cell) for cell in cells]
    odd = [row for row, value in enumerate(values) if value is None]
    if kind != "classification":
        _refuse_commas(sheet, name, odd, "data.kind=classification")
        _refuse_ornaments(sheet, name, odd, "data.kind=classification")
    numbers = [value for value in values if value is not None]
    most = _most_numbers(cells)
    if kind == "regression" or (kind == "auto" and most):
        if odd:
            way = "mend it" if kind == "regression" else "mend it, or set data.kind=classification"
            why = "" if kind == "regression" else f", as {most} are"
            raise ValueError(f"{sheet.place(odd[0], name)}: the label {cells[odd[0]]!r} is no number{why}: {way}")
        if kind == "regression" or len(set(numbers)) > FEW_CLASSES or any(value % 1 for value in numbers):
            if len(set(numbers)) == 1:
                raise ValueError(
                    f"target={name}: {sheet.path} holds but one value, {_shown(numbers[0])}: name another column, or"
                    " add rows of another"
                )
            _refuse_merging(sheet, name, numbers)
            return Labels(_finite(sheet, name, numbers), ())
    if odd:
        names, known = cells, sorted(set(cells))
        if _name_rows(known, len(cells)):
            raise ValueError(
                f"target={name}: {sheet.path} holds {len(known)} different words there, in {len(cells)} rows: too many"
                " to be classes: name another column"
            )
    else:  # 1 and 1.0 are one class
        names = [_shown(value) for value in numbers]
        known = list(dict.fromkeys(_shown(value) for value in sorted(set(numbers))))
    if len(known) < 2:
        raise ValueError(
            f"target={name}: {sheet.path} holds but one class, {known[0]}: name another column, or add rows of another"
        )
    index = {each: position for position, each in enumerate(known)}
    return Labels(torch.tensor([index[each] for each in names]), tuple(known))


def _most_numbers(cells: Sequence[str]) -> str:
    """Return how many of ``cells`` are numbers, where words among them are a fault; nothing where they are meant."""
    words = [cell for cell in cells if number(cell) is None]
    if len(words) < len(cells) / 2:
        return "most"
    # One, however often it stands there, is what somebody writes where there is no value.
    return "all others" if len(set(words)) == 1 and len({number(cell) for cell in cells}) > 2 else ""


def _name_rows(words: Sequence[str], count: int) -> bool:
    """Return whether the different ``words`` of ``count`` cells are names of single rows rather than kinds of them."""
    return len(words) > _FEW_WORDS and len(words) == count


def _refuse_merging(sheet: Sheet, name: str, values: Sequence[float]) -> None:
    """Refuse a column whose range is but a hundred steps of float32, or fewer, such as of time stamps."""
    least, largest = min(values), max(values)
    with np.errstate(over="ignore", invalid="ignore"):
        step = float(np.spacing(np.float32(max(abs(least), abs(largest)))))
    if least < largest and step > (largest - least) / 100:
        raise ValueError(
            f"{sheet.path}: column {name} lies between {least:.15g} and {largest:.15g}, which 32 bits tell apart by"
            f" steps of {step:g}: subtract a number that they share, such as the smallest"
        )


def _refuse_commas(sheet: Sheet, name: str, odd: Sequence[int], way: str) -> None:
    """Refuse ``odd`` rows of a column that are numbers but for the comma; ``way`` has them taken for words."""
    for row in odd:
        cell = sheet.columns[name][row]
        if decimal_comma(cell):
            point, whole = cell.replace(",", "."), cell.replace(",", "")
            unclear = len(cell.partition(",")[2]) == 3
            kind, written = ("", f"{point} or {whole}") if unclear else (" decimal", point)
            raise ValueError(
                f"{sheet.place(row, name)}: {cell!r} has a{kind} comma, and numbers are written {written} here:"
                f" mend the column, or have the values taken for words, {way}"
            )


def _refuse_ornaments(sheet: Sheet, name: str, odd: Sequence[int], way: str) -> None:
    """Refuse ``odd`` rows that are numbers to people, such as $4,270.00, where most of the different cells are some."""
    cells = {cell for row, cell in enumerate(sheet.columns[name]) if not sheet.is_missing(row, name)}
    if sum(number(cell) is not None or ornament(cell) is not None for cell in cells) <= len(cells) / 2:
        return
    for row in odd:
        if (found := ornament(sheet.columns[name][row])) is not None:
            raise ValueError(
                f"{sheet.place(row, name)}: {sheet.columns[name][row]!r} has {found}, and numbers are written plainly"
                f" here, such as 1234.5: mend the column, or have the values taken for words, {way}"
            )


def _shown(value: float) -> str:
    return f"{value + 0.0:.15g}"  # -0 is 0


def _encoded(sheet: Sheet, column: Column) -> np.ndarray:
    cells = sheet.columns[column.name]
    if column.words is None:
        return _finite(sheet, column.name, [_number(sheet, column, row) for row in range(len(cells))]).numpy()[:, None]
    place = {word: position for position, word in enumerate(column.words)}
    coded = np.zeros((len(cells), column.width), dtype=np.float32)
    for row, cell in enumerate(cells):
        if sheet.is_missing(row, column.name):
            continue
        if cell not in place:
            raise ValueError(f"{sheet.place(row, column.name)}: {cell!r} was not seen; {nearest(cell, column.words)}")
        coded[row, place[cell]] = 1.0
    return coded


def _number(sheet: Sheet, column: Column, row: int) -> float:
    cell = sheet.columns[column.name][row]
    value = float("nan") if sheet.is_missing(row, column.name) else number(cell)
    if value is None:
        raise ValueError(f"{sheet.place(row, column.name)}: {cell!r} is no number, as the column's others are")
    return value


def _finite(sheet: Sheet, name: str, values: list[float]) -> Tensor:
    with np.errstate(over="ignore"):
        held = np.array(values, dtype=np.float64).astype(np.float32)
    if np.isinf(held).any():
        row = int(np.argmax(np.isinf(held)))
        raise ValueError(f"{sheet.place(row, name)}: {values[row]} is too large for 32 bits: rescale the column")
    return torch.from_numpy(held)
