"""A picture of sections one below the other, placed by the inch, in letters of one size."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WIDTH, EDGE = 10.0, 0.35  # inches: of the sheet, and of what is left free around it
INSIDE = WIDTH - 2 * EDGE
INK, SOFT, LINE = "#24292f", "#5f6872", "#dde1e6"  # as on the pages
BLUE, ORANGE = "#4477aa", "#cc6633"
LETTERS = 9  # points
TITLE, HEADING, BETWEEN = 0.75, 0.62, 0.38  # inches: of the title, of a section's, and free below a section
_LONGEST = 15  # characters of a name


class Sheet:
    """A figure on which places are inches from its left and its upper edge."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(WIDTH, height), dpi=130, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes with their upper left corner there."""
        bottom = self.height - top - height
        return self.figure.add_axes((left / WIDTH, bottom / self.height, width / WIDTH, height / self.height))

    def write(self, left: float, top: float, words: str, colour: str = INK, **how: Any) -> None:
        """Write ``words`` with their upper left corner there."""
        given: dict[str, Any] = {"fontsize": LETTERS, "color": colour, "va": "top"} | how
        self.figure.text(left / WIDTH, 1 - top / self.height, plain(words), **given)

    def picture(self, left: float, top: float, width: float, height: float, pixels: Any, **how: Any) -> Axes:
        """Draw ``pixels`` in a thin frame."""
        axes = self.axes(left, top, width, height)
        axes.imshow(pixels, aspect="auto", interpolation="nearest", **how)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(color=LINE, linewidth=0.8)
        return axes


class Section(NamedTuple):
    """A part of a sheet.

    Attributes:
        title: its heading.
        words: what it shows, in one line.
        height: inches that ``draw`` takes.
        draw: draws it on a sheet, from so many inches below the upper edge on.
    """

    title: str
    words: str
    height: float
    draw: Callable[[Sheet, float], None]


def save(path: Path, title: str, words: str, sections: Sequence[Section]) -> None:
    """Write the picture of ``sections``, under a title and a line of words, to ``path``."""
    first = EDGE + TITLE
    sheet = Sheet(first + sum(HEADING + section.height + BETWEEN for section in sections) + EDGE - BETWEEN)
    sheet.write(EDGE, EDGE, title, fontsize=11, fontweight="bold")
    sheet.write(EDGE, EDGE + 0.25, words, SOFT)
    top = first
    for section in sections:
        sheet.write(EDGE, top, section.title, fontsize=11, fontweight="bold")
        sheet.write(EDGE, top + 0.25, section.words, SOFT)
        section.draw(sheet, top + HEADING)
        top += HEADING + section.height + BETWEEN
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a class may be called anything
        sheet.figure.savefig(path, format="png")


def plain(words: str) -> str:
    """Return ``words`` so that a dollar is a dollar, and no formula begins with it."""
    return words.replace("$", r"\$")


def shortened(name: str, most: int = _LONGEST) -> str:
    """Return ``name`` with an ellipsis for what goes beyond ``most`` characters."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def quiet(axes: Axes) -> None:
    """Take away the frame of ``axes`` and make its letters those of the sheet."""
    axes.tick_params(colors=INK, labelsize=LETTERS, length=0)
    axes.spines[:].set_visible(False)


def bars(
    axes: Axes,
    values: Sequence[float],
    words: Sequence[str],
    names: Sequence[str],
    colours: str | Sequence[str],
    ends: Sequence[float] | None = None,
) -> None:
    """Draw ``values`` as bars, the first on top, each behind its name.

    ``words`` stand beyond the end of each bar, or before its beginning where ``ends`` has 0.
    """
    axes.barh(range(len(values)), values, height=0.6, color=colours)
    for place, (value, end, told) in enumerate(zip(values, values if ends is None else ends, words, strict=True)):
        right = (value >= 0) != (ends is not None and end == 0)
        axes.annotate(
            told,
            (end, place),
            (6 if right else -6, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=LETTERS,
            color=SOFT,
            annotation_clip=False,
        )
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.set_yticks(range(len(values)), [plain(name) for name in names])
    axes.set_xticks([])
    quiet(axes)
