"""How a user's own inputs are read from a file: rows of a table, or one image."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from temper.data.sheet import number

if TYPE_CHECKING:
    from PIL import Image

_FINE = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes of 16-bit images; a PGM's, and 32-bit ones', is I

_WHITE = 2**16 - 1


class _NoWhite(ValueError):
    """An image holds numbers of which nobody knows what is white."""


def read_table(path: Path, columns: int) -> Tensor:
    """Return the rows of a CSV or .npy file as float32, (n, columns); a CSV may begin with a line of names.

    Raises:
        ValueError: the file is no such table; names the file, and the line and column where it goes wrong.
    """
    _check_file(path)
    table = _read_npy(path) if path.suffix.lower() == ".npy" else _read_csv(path, columns)
    if table.ndim != 2 or table.shape[1] != columns:
        raise ValueError(f"{path}: an array of shape {table.shape}, but (rows, {columns}) is wanted")
    if not len(table):
        raise ValueError(f"{path}: holds no rows")
    with np.errstate(over="ignore"):
        values = table.astype(np.float32)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"{path}: row {row + 1}, column {column + 1}: {table[row, column]} is no finite number")
    return torch.from_numpy(values)


def read_image(path: Path, height: int, width: int, grey: bool = False) -> Tensor:
    """Return the image in ``path`` in RGB or grey, resized bilinearly, as uint8 (1, 3 or 1, height, width).

    It is turned as its EXIF orientation says that it was meant to be seen. Of 16 bits the upper 8 are taken.

    Raises:
        ValueError: the file is no image, or one of numbers of which nobody knows what is white; names it.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    _check_file(path)
    try:
        with Image.open(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            whole = _eight_bits(path, np.asarray(image)) if image.mode in (*_FINE, "F") else image
            if "transparency" in image.info:
                whole = whole.convert("RGBA")  # which then lets go of it; straight to RGB, Pillow warns
            whole = whole.convert("RGB")
            pixels = whole.convert("L" if grey else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    except _NoWhite:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: is no image that can be read ({error})") from None
    return torch.from_numpy(np.array(pixels)).view(1, height, width, -1).permute(0, 3, 1, 2).contiguous()


def check_image(path: Path) -> None:
    """Look whether the file begins as an image; its pixels are not read.

    Raises:
        ValueError: the file is no image; names it.
    """
    from PIL import Image, UnidentifiedImageError

    _check_file(path)
    try:
        with Image.open(path):
            pass
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: is no image that can be read ({error})") from None


def _eight_bits(path: Path, values: np.ndarray) -> "Image.Image":
    """Return a grey image of 16-bit ``values``, which Pillow itself would cut off at 255.

    Raises:
        _NoWhite: they are no whole numbers of 16 bits.
    """
    from PIL import Image

    if values.dtype.kind == "f" or values.min() < 0 or values.max() > _WHITE:
        raise _NoWhite(
            f"{path}: holds values from {values.min():g} to {values.max():g}, of which none is known to be white: save"
            " it in 8 or 16 bits"
        )
    return Image.fromarray((values >> 8).astype(np.uint8))


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, and a file is wanted: name the files in it, such as {path}/*")
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")


def _read_npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: is no .npy file of numbers ({error})") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise ValueError(f"{path}: is no .npy file of real numbers")
    return array


def _read_csv(path: Path, columns: int) -> np.ndarray:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, line) for line in reader if any(field.strip() for field in line)]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is no CSV text file in UTF-8 ({error}): save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise ValueError(f"{path}: is no CSV text file ({error})") from None
    if lines and all(number(field) is None for field in lines[0][1]):
        lines = lines[1:]
    values = np.empty((len(lines), columns))
    for row, (place, line) in enumerate(lines):
        if len(line) != columns:
            raise ValueError(f"{path}: row {place} has {len(line)} columns, and {columns} are wanted")
        for column, field in enumerate(line):
            value = number(field)
            if value is None:
                raise ValueError(f"{path}: row {place}, column {column + 1}: {field!r} is no finite number")
            values[row, column] = value
    return values
