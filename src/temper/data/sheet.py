"""A user's table as text: named columns of cells, from a CSV or a Parquet file, and where each cell stands in it."""

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from temper.refusal import nearest

# What pandas takes for it, in any case; but None in this case alone, as none is a word of its own.
_MISSING = {
    *("", "na", "n/a", "nan", "-nan", "null", "<na>"),
    *("#n/a", "#n/a n/a", "#na", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
}
_SEPARATORS = (",", ";", "\t")  # the one that cuts the line of names into most
_SAID = re.compile(r'"?sep=([^\w"\r\n])"?\s*', re.IGNORECASE)  # Excel's own line above the names
_ROW_NUMBERS = re.compile(r"__index_level_\d+__")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_CURRENCY = r"(?:[A-Z]{0,2}[$¢-¥฿\u20a0-\u20cf])"  # € and US$ too
_DRESSED = re.compile(
    rf"""[+-]?(?P<before>{_CURRENCY}\s?)?[+-]?
    (?:\d+(?:[.,]\d+)?  # in groups: 12,34,567.8 or 1.234,5 or 1.234.567 or 1 234,5; a postcode's are of other lengths
    |(?P<grouped>[1-9]\d{{0,2}}(?:(?:,\d{{2,3}})*,\d{{3}}(?:\.\d+)?|(?:\.\d{{3}})+,\d+|(?:\.\d{{3}}){{2}}
    |(?:[\s'’]\d{{3}})+(?:[.,]\d+)?)))
    \s?(?P<after>{_CURRENCY}|(?P<percent>%))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Sheet:
    """Cells by column.

    Attributes:
        path: of the file.
        numbers: of each row, by which its reader finds it: the line of a CSV, the row of a Parquet file from 1.
        columns: the cells of each column, stripped, in the order of the file.
        words: the columns of words, whatever they look like: only an empty cell is missing there, and NA a country.
    """

    path: Path
    numbers: list[int]
    columns: dict[str, list[str]]
    words: frozenset[str] = frozenset()

    def place(self, row: int, name: str) -> str:
        """Return where a cell stands, for a message."""
        return f"{self.path}: row {self.numbers[row]}, column {name}"

    def check(self, name: str) -> None:
        """Refuse the name of a column that is not there; ValueError names the nearest."""
        if name not in self.columns:
            raise ValueError(f"{self.path} has no column {name}; {nearest(name, self.columns)}")

    def is_missing(self, row: int, name: str) -> bool:
        """Return whether a cell says that there is no value."""
        cell = self.columns[name][row]
        return not cell if name in self.words else cell.lower() in _MISSING or cell == "None"

    def only(self, rows: list[int]) -> "Sheet":
        """Return the sheet with these rows alone."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return Sheet(self.path, [self.numbers[row] for row in rows], columns, self.words)


def number(cell: str) -> float | None:
    """Return the finite number that ``cell`` holds, or None; 1_2 is a word, which Python would read as 12."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def decimal_comma(cell: str) -> bool:
    """Return whether ``cell`` is a number as it is written where the comma stands before the decimals."""
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def ornament(cell: str) -> str | None:
    """Return what keeps ``cell`` from being a plain number, if it is one to people; else None."""
    found = _DRESSED.fullmatch(cell)
    if found is None or number(cell) is not None:
        return None
    if found["percent"]:
        return "a percent sign"
    if found["before"] or found["after"]:
        return "a currency sign"
    return "digits in groups" if found["grouped"] else "a decimal comma"


def read_sheet(path: Path) -> Sheet:
    """Return the table in ``path``, a CSV whose first line names the columns, or a Parquet file.

    Raises:
        ValueError: the file is no such table; names it, and the line where it goes wrong.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise ValueError(f"{path}: {what}: name a CSV or a Parquet file")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _checked(path, *_read_parquet(path))
    return _checked(path, *_read_csv(path))


def _checked(path: Path, names: list[str], numbers: list[int], rows: Iterable[list[str]]) -> Sheet:
    for name in names:
        if not name or names.count(name) > 1:
            raise ValueError(f"{path}: {'two columns are' if name else 'a column is'} called {name!r}: name each")
    if not numbers:
        raise ValueError(f"{path}: holds no rows")
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return Sheet(path, numbers, {name: [cell.strip() for cell in cells] for name, cells in columns})


def _read_csv(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = next((line for line in file if line.strip()), "")
            file.seek(0)
            cuts = {each: len(next(csv.reader([head], delimiter=each), [])) for each in _SEPARATORS}
            said = _SAID.fullmatch(head)
            reader = csv.reader(file, delimiter=said[1] if said else max(cuts, key=lambda each: cuts[each]))
            lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)][bool(said) :]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is no CSV text file in UTF-8 ({error}): save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise ValueError(f"{path}: is no CSV text file ({error})") from None
    if not lines:
        raise ValueError(f"{path}: holds no rows")
    names = [name.strip() for name in lines[0][1]]
    for line, cells in lines[1:]:
        if len(cells) != len(names):
            raise ValueError(f"{path}: row {line} has {len(cells)} cells, and there are {len(names)} columns")
    return names, [line for line, _ in lines[1:]], [cells for _, cells in lines[1:]]


def _read_parquet(path: Path) -> tuple[list[str], list[int], Iterable[list[str]]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ValueError(
            f"{path}: reading Parquet needs pyarrow, of the extra called parquet: pip install -e '.[parquet]'"
        ) from None
    try:
        table = parquet.ParquetFile(path).read()
        cells = [column.to_pylist() for column in table.columns]
    except (ValueError, OSError, NotImplementedError) as error:
        raise ValueError(f"{path}: is no Parquet file that can be read ({str(error).splitlines()[0]})") from None
    for field in table.schema:
        if field.type.num_fields:
            raise ValueError(f"{path}: column {field.name} holds {field.type}, and numbers or words are wanted")
    # pandas keeps the numbers of its rows as a column, where these are not one after the other.
    own = [place for place, name in enumerate(table.column_names) if not _ROW_NUMBERS.fullmatch(name)]
    columns = [cells[place] for place in own]
    # nan is a number that is missing, and no word of a column of words.
    rows = [["" if cell is None or cell != cell else str(cell) for cell in row] for row in zip(*columns, strict=True)]
    return [table.column_names[place] for place in own], list(range(1, len(rows) + 1)), rows
