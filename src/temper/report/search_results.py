"""What a search leaves behind: its trials as a table and as results.csv, and search.png, where good values lie."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.table import Table
from rich.text import Text

from temper.metric import Better
from temper.report.frame import INK, frame
from temper.report.units import in_score
from temper.search.space import Choice, Interval, Setting, Space

_OWN, _BEST = "#4477aa", "#cc6633"
_COLUMNS = 3  # pictures in a row
_NAMES = 8  # values of a knob that are named below its picture, at most
_LONG = 8  # characters of such a name, from which on they would meet
# The data, where no score can lie.
_ABOVE: dict[str, Any] = {
    "loc": "lower right",
    "bbox_to_anchor": (1, 1),
    "borderaxespad": 0.2,
    "frameon": False,
    "labelcolor": INK,
    "fontsize": 8,
}

State = Literal["whole", "left off", "failed"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial.

    Attributes:
        state: trained to its end; left off before it, as others were better; or failed.
        epochs: it was trained for; those of each score.
        scores: at each rung that it has reached.
    """

    number: int
    state: State
    drawn: Setting
    epochs: Sequence[int]
    scores: Sequence[float]
    folder: Path


def table(rows: Sequence[Row], metric: str) -> Table:
    """Return the trials as a table, in the order given."""
    found = Table(title="trials, the best first", title_justify="left")
    for column in ("trial", "epochs", metric):
        found.add_column(column, justify="right")
    for column in ("settings", "state"):
        found.add_column(column, overflow="fold")
    for row in rows:
        settings = " ".join(f"{key}={value}" for key, value in row.drawn.items())
        epochs = str(row.epochs[-1]) if row.epochs else "-"
        score = in_score(row.scores[-1]) if row.scores else "-"
        found.add_row(str(row.number), epochs, score, Text(settings), row.state)
    return found


def write(path: Path, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Write the trials, in the order given, to ``path``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "state", "epochs", "score", *keys, "folder"])
        for row in rows:
            last = (row.epochs[-1], row.scores[-1]) if row.scores else ("", "")
            writer.writerow([row.number, row.state, *last, *(row.drawn[key] for key in keys), row.folder])


def draw(path: Path, rows: Sequence[Row], space: Space, metric: str, better: Better, best: int | None) -> None:
    """Write the picture to ``path``: the scores of the trials in their order, and over the values of each knob."""
    scored = sorted((row for row in rows if row.scores), key=lambda row: row.number)
    count = 1 + len(space.dimensions)
    columns = 2 if count == 4 else min(count, _COLUMNS)
    lines = -(-count // columns)
    figure = Figure(figsize=(3.6 * columns, 3.0 * lines + 0.3), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    rungs = max((len(row.scores) for row in scored), default=1)
    _draw_course(places[0], scored, metric, better, best, rungs)
    for place, (key, dimension) in zip(places[1:], space.dimensions.items(), strict=False):
        _draw_slice(place, key, dimension, scored, best)
    for place in places[count:]:
        place.set_visible(False)
    for place in places[:count]:
        frame(place, letters=8)
    figure.savefig(path)


def _draw_course(place: Axes, rows: Sequence[Row], metric: str, better: Better, best: int | None, rungs: int) -> None:
    """Draw the scores in the order of trials, or over epochs where trials were compared on the way."""
    place.set_ylabel(metric, color=INK, fontsize=9)
    if rungs > 1:
        for row in rows:
            if row.number != best:
                place.plot(row.epochs, row.scores, "o-", color=_OWN, alpha=0.6, linewidth=0.8, markersize=3)
        for row in (row for row in rows if row.number == best):
            place.plot(row.epochs, row.scores, "D-", color=_BEST, linewidth=1.8, markersize=4, label=f"trial {best}")
            place.legend(**_ABOVE)
        place.set_xscale("log")
        ticks = sorted({epochs for row in rows for epochs in row.epochs})
        place.set_xticks(ticks, [str(tick) for tick in ticks])
        place.minorticks_off()
        place.set_xlabel("epochs", color=INK, fontsize=9)
        return
    numbers, scores = [row.number for row in rows], [row.scores[-1] for row in rows]
    choose = max if better == "max" else min
    place.plot(numbers, scores, "o", color=_OWN, alpha=0.7, markersize=4, markeredgewidth=0)
    reached = [choose(scores[: count + 1]) for count in range(len(scores))]
    place.step(numbers, reached, where="post", color=_BEST, linewidth=1.2, label="best so far")
    place.xaxis.set_major_locator(MaxNLocator(integer=True))
    place.set_xlabel("trial", color=INK, fontsize=9)
    place.legend(**_ABOVE)


def _draw_slice(place: Axes, key: str, dimension: Choice | Interval, rows: Sequence[Row], best: int | None) -> None:
    """Draw the last score of each trial over its value of ``key``; paler is a trial that was left off earlier."""
    deepest = max((len(row.scores) for row in rows), default=1)
    for row in sorted(rows, key=lambda row: row.number == best):
        word = row.drawn[key]
        value = dimension.listed.index(word) if isinstance(dimension, Choice) else float(word)
        mark, colour, size = ("D", _BEST, 6) if row.number == best else ("o", _OWN, 4)
        alpha = 1.0 if row.number == best else 0.25 + 0.55 * len(row.scores) / deepest
        place.plot(value, row.scores[-1], mark, color=colour, alpha=alpha, markersize=size, markeredgewidth=0)
    if isinstance(dimension, Interval):
        place.set_xscale("log" if dimension.log else "linear")
        # Points without a mark, so that the whole interval is shown, and not only where trials lie.
        place.plot([dimension.low, dimension.high], [rows[0].scores[-1]] * 2 if rows else [0, 0], linestyle="")
    elif len(dimension.listed) <= _NAMES:
        slanted: dict[str, Any] = {"rotation": 20, "ha": "right"} if max(map(len, dimension.listed)) > _LONG else {}
        place.set_xticks(range(len(dimension.listed)), list(dimension.listed), **slanted)
        place.set_xlim(-0.5, len(dimension.listed) - 0.5)
    place.set_xlabel(key, color=INK, fontsize=9)
