"""The picture of an explanation: mistakes and why, the first layer, and the classes that are confused."""

import math
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor
from torch.nn import functional as F

from temper.explain.explanation import Explanation, Maps, Mistake
from temper.explain.first_layer import FirstLayer
from temper.explain.outcome import confusion_section, values_section
from temper.explain.sheet import (
    BLUE,
    EDGE,
    INK,
    INSIDE,
    LINE,
    ORANGE,
    SOFT,
    Section,
    Sheet,
    bars,
    save,
    shortened,
)
from temper.explain.tables import in_percent, summary
from temper.report.page import title
from temper.report.units import in_score

FILE = "explained.png"
FILTERS, BARS = 64, 20  # that are drawn
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "#ffffff", ORANGE])
_IN_ROW, _TILE, _GAP, _CAPTION = 3, 0.93, 0.07, 0.37  # mistakes in a row; inches of a tile
_NAME = 13  # characters that fit above one
_WORD = 0.85  # inches that the value of a bar takes
_FILE = 11  # of a file's, whose digits and capitals are wider
_FINE = 128  # pixels of a tile's shorter side


def draw(explanation: Explanation, path: Path) -> None:
    """Write the picture to ``path``."""
    found = (
        mistakes_section(explanation),
        first_section(explanation),
        confusion_section(explanation),
        values_section(explanation),
    )
    name, words = title(explanation.subject.title), summary(explanation).capitalize()
    save(path, shortened(name[:1].upper() + name[1:], 95), words, [section for section in found if section is not None])


def mistakes_section(explanation: Explanation) -> Section | None:
    """Return the mistakes as pictures; None where they are none."""
    maps = explanation.maps
    if maps is None:
        return None
    tall = _TILE * maps.images.shape[2] / maps.images.shape[3]
    row = _CAPTION + tall + 0.2
    count = len(explanation.mistakes)
    shown = f"{count} of {explanation.wrong:,}" if count < explanation.wrong else f"all {count}"

    given, true = (ORANGE, BLUE) if maps.method == "Grad-CAM" else (INK, INK)  # there, colours have a sign

    def paint(sheet: Sheet, top: float) -> None:
        for place, mistake in enumerate(explanation.mistakes):
            left = EDGE + place % _IN_ROW * (INSIDE - 3 * _TILE - 2 * _GAP) / (_IN_ROW - 1)
            upper = top + place // _IN_ROW * row
            tiles = (
                ("example", _place(mistake), SOFT, _shown(maps.images[place])),
                (str(mistake.given), in_percent(mistake.probability or 0.0), given, _map(maps, maps.given, place)),
                (str(mistake.true), in_percent(mistake.true_probability or 0.0), true, _map(maps, maps.true, place)),
            )
            for number, (name, share, colour, pixels) in enumerate(tiles):
                x = left + number * (_TILE + _GAP)
                for line, text in enumerate((shortened(name, _NAME), share)):
                    sheet.write(x, upper + 0.12 + 0.165 * line, text, colour, va="baseline")
                sheet.picture(x, upper + _CAPTION, _TILE, tall, pixels)

    rows = math.ceil(count / _IN_ROW)
    return Section(f"The most confident mistakes, {shown}", _words(explanation, maps), rows * row - 0.2, paint)


def _place(mistake: Mistake) -> str:
    """Return what finds the example in its set: of a file, the end of its name, by which those of a camera differ."""
    if mistake.place is None:
        return f"{mistake.number:,}"
    name = PurePosixPath(mistake.place).stem
    return name if len(name) <= _FILE else f"…{name[1 - _FILE :]}"


def _words(explanation: Explanation, maps: Maps) -> str:
    if maps.method == "gradient × input":
        return (
            "The image, then what speaks for (orange) and against (blue) the class given, and the true one:"
            " gradient × input"
        )
    size = " × ".join(map(str, maps.given.shape[1:]))
    return (
        "The image, then what speaks for the class given (orange), and for the true one (blue):"
        f" Grad-CAM of {explanation.subject.layer}, {size}"
    )


def _shown(image: Tensor) -> np.ndarray[Any, Any]:
    """Return an image (c, h, w) in [0, 1] as pixels (h, w, 3), grey where it has one channel."""
    fine = max(1, _FINE // min(image.shape[1:]))
    image = image.float().clamp(0, 1).expand(3, -1, -1)
    return image.repeat_interleave(fine, 1).repeat_interleave(fine, 2).permute(1, 2, 0).numpy()


def _map(maps: Maps, which: Tensor, place: int) -> np.ndarray[Any, Any]:
    """Return the map of one mistake as pixels (h, w, 3)."""
    values = which[place].float()
    if maps.method == "gradient × input":
        return SIGNED(unit(values).numpy() / 2 + 0.5)[..., :3]
    pixels = _shown(maps.images[place])
    grey = torch.from_numpy(pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32))
    heat = F.interpolate(unit(values)[None, None], grey.shape, mode="bilinear", align_corners=False)[0, 0]
    warm = torch.from_numpy(colormaps["inferno"](0.25 + 0.7 * heat.numpy())[..., :3]).float()
    strength = (0.75 * heat).unsqueeze(2)
    return ((1 - strength) * grey.unsqueeze(2) + strength * warm).numpy()


def unit(values: Tensor) -> Tensor:
    """Return ``values`` by the largest magnitude among them; zeros stay zeros."""
    largest = values.abs().max()
    return values / largest if largest > 0 else values


def first_section(explanation: Explanation) -> Section | None:
    """Return the first layer as a section."""
    first = explanation.first
    if first is None:
        return None
    return _filters(first) if first.form == "filters" else _bars(explanation, first)


def _filters(first: FirstLayer) -> Section:
    chosen = first.largest(FILTERS)
    _, channels, high, wide = first.weight.shape
    caption = 0.2 if first.labels else 0.0
    columns = min(len(chosen), 10 if first.labels else 16)
    gap = 0.08
    tile = min(0.85, (INSIDE - gap * (columns - 1)) / columns)
    tall = tile * high / wide
    rows = math.ceil(len(chosen) / columns)

    def paint(sheet: Sheet, top: float) -> None:
        for place, index in enumerate(chosen.tolist()):
            left, upper = EDGE + place % columns * (tile + gap), top + place // columns * (tall + gap + caption)
            if first.labels:
                sheet.write(left, upper, shortened(first.labels[index], 12))
            weight = unit(first.weight[index].float())
            pixels = (
                SIGNED(weight[0].numpy() / 2 + 0.5)[..., :3]
                if channels == 1
                else (weight / 2 + 0.5).permute(1, 2, 0).numpy()
            )
            sheet.picture(left, upper + caption, tile, tall, pixels)

    count = len(first.weight)
    few = f"the {len(chosen)} largest of {count}" if len(chosen) < count else f"all {count}"
    colours = (
        "grey is 0, a colour is what it answers to" if channels == 3 else "orange is above 0, white is 0, blue is below"
    )
    of = "one for each class" if first.labels else few
    words = f"The weights of {first.name}, {of}, each by its own largest: {colours}"
    return Section("The filters of the first layer", words, rows * (tall + caption + gap) - gap, paint)


def _bars(explanation: Explanation, first: FirstLayer) -> Section:
    chosen = first.largest(BARS).tolist()
    values = [first.weight[index].item() for index in chosen]
    known = explanation.subject.reference if first.form == "coefficients" else {}
    reference = [known.get(f"w[{index}]") for index in chosen]
    names = [shortened(first.labels[index], 30) for index in chosen]
    row, margin = 0.27, 2.3
    width = INSIDE - margin - 0.9
    reached = [0.0, *values, *(closed for closed in reference if closed is not None)]
    room = _WORD if first.form == "coefficients" else 0.0  # for the values of bars to the left
    inch = (max(reached) - min(reached)) / (width - room) or 1.0

    def paint(sheet: Sheet, top: float) -> None:
        axes = sheet.axes(EDGE + margin, top, width, row * len(chosen))
        # Beyond these bars the line of the closed form would strike the value through, or seem to be what it tells.
        struck = [
            closed is not None and 0.02 < math.copysign(1, value) * (closed - value) / inch < _WORD
            for value, closed in zip(values, reference, strict=True)
        ]
        ends = [0.0 if each else value for value, each in zip(values, struck, strict=True)]
        colours = [ORANGE if value < 0 else BLUE for value in values]
        bars(axes, values, [in_score(value) for value in values], names, colours, ends)
        for place, closed in enumerate(reference):
            if closed is not None:
                axes.plot([closed, closed], [place - 0.42, place + 0.42], color=INK, linewidth=1.6)
        axes.axvline(0, color=LINE, linewidth=1, zorder=0)
        axes.set_xlim(min(reached) - room * inch, max(reached))

    of = f", the {len(chosen)} largest of {len(first.weight)}" if len(chosen) < len(first.weight) else ""
    if first.form == "readings":
        words = f"How strongly all units of {first.name} together read each feature{of}: the length of its weights"
        return Section("What the first layer reads", words, row * len(chosen), paint)
    closed = "; the line is the solution in closed form" if any(each is not None for each in reference) else ""
    return Section(
        "The coefficients",
        f"What one unit of each feature adds, as the network sees it{of}{closed}",
        row * len(chosen),
        paint,
    )
