"""How a network did on a set, drawn: the confusion of classes beside their recall, or values beside the truth."""

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from temper.explain.confusion import pairs, recalls
from temper.explain.explanation import Explanation
from temper.explain.sheet import (
    BLUE,
    EDGE,
    INK,
    INSIDE,
    LETTERS,
    LINE,
    ORANGE,
    Section,
    Sheet,
    bars,
    plain,
    shortened,
)
from temper.report.units import in_score

MATRIX, NUMBERED = 20, 12  # classes up to which the matrix is drawn, and with its numbers
TITLE = "The classes that are confused"
LISTED = 15  # of more classes: the worst, and the pairs
_RIGHT = LinearSegmentedColormap.from_list("right", ["#ffffff", BLUE])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", ORANGE])


def confusion_section(explanation: Explanation) -> Section | None:
    """Return the confusion of classes as a section; None for a regression."""
    if explanation.counts is None:
        return None
    return _matrix(explanation) if len(explanation.counts) <= MATRIX else _lists(explanation)


def _matrix(explanation: Explanation) -> Section:
    assert explanation.counts is not None
    counts = explanation.counts.numpy()
    names = [plain(shortened(name)) for name in explanation.subject.class_names]
    size = len(names)
    cell = min(0.42, 4.6 / size)
    side, margin, below = cell * size, 1.25, 0.85 if max(map(len, names)) > 3 else 0.35

    def paint(sheet: Sheet, top: float) -> None:
        axes = sheet.picture(EDGE + margin, top, side, side, _shaded(counts))
        axes.set_yticks(range(size), names)
        steep = max(map(len, names)) > 3
        axes.set_xticks(range(size), names, rotation=45 if steep else 0, ha="right" if steep else "center")
        if steep:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        axes.tick_params(colors=INK, labelsize=LETTERS, length=0)
        if size <= NUMBERED:
            for row in range(size):
                for column in range(size):
                    if counts[row, column]:
                        dark = row == column and counts[row, column] > 0.6 * counts[row].sum()
                        axes.text(
                            column,
                            row,
                            f"{counts[row, column]}",
                            ha="center",
                            va="center",
                            fontsize=LETTERS,
                            color="#ffffff" if dark else INK,
                        )
        left = EDGE + margin + side + 0.45
        _recall_bars(explanation, sheet, left, top, EDGE + INSIDE - left - 0.6, side, None)

    words = (
        "A row is a class, a column what its examples are taken for; beside it the recall of each, the worst in orange"
    )
    return Section(TITLE, words, side + below, paint)


def _shaded(counts: Any) -> Any:
    """Return the colours (k, k, 3) of a confusion: blue for what is right, orange for what is wrong, by shares."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    wrong = shares * (1 - np.eye(len(counts)))
    colours = _WRONG(wrong / max(wrong.max(), 1e-9) * 0.8)[..., :3]
    own = np.arange(len(counts))
    colours[own, own] = _RIGHT(0.1 + 0.9 * shares.diagonal())[..., :3]
    return colours


def _recall_bars(
    explanation: Explanation, sheet: Sheet, left: float, top: float, width: float, height: float, few: list[int] | None
) -> None:
    """Draw the recall of the classes in ``few``, with their names, or of all in their own order, without."""
    assert explanation.counts is not None
    every = recalls(explanation.counts)
    shown = list(range(len(every))) if few is None else few
    values = [every[index] for index in shown]
    known = [value for value in values if value is not None]
    names = explanation.subject.class_names
    axes = sheet.axes(left, top, width, height)
    axes.barh(range(len(values)), [1.0] * len(values), height=0.6, color="#f0f2f4")
    bars(
        axes,
        [value or 0.0 for value in values],
        ["none" if value is None else in_score(value) for value in values],
        [""] * len(values) if few is None else [shortened(names[index]) for index in few],
        [ORANGE if value == min(known) else BLUE for value in values],
        [1.0] * len(values),
    )
    axes.set_xlim(0, 1)


def _lists(explanation: Explanation) -> Section:
    assert explanation.counts is not None
    every, found = recalls(explanation.counts), pairs(explanation.counts)[:LISTED]
    known = [index for index, value in enumerate(every) if value is not None]
    worst = sorted(known, key=lambda index: every[index] or 0.0)[:LISTED]
    names, row, half = explanation.subject.class_names, 0.27, INSIDE / 2
    height = row * max(len(worst), len(found))

    def paint(sheet: Sheet, top: float) -> None:
        _recall_bars(explanation, sheet, EDGE + 1.25, top, half - 2.15, row * len(worst), worst)
        if not found:
            return
        times = [pair.times for pair in found]
        taken = [f"{shortened(names[pair.first])} – {shortened(names[pair.second])}" for pair in found]
        axes = sheet.axes(EDGE + half + 2.4, top, half - 2.4 - 0.4, row * len(found))
        bars(axes, times, [f"{count:,}" for count in times], taken, ORANGE)

    words = f"To the left the {len(worst)} classes of the lowest recall, to the right the pairs most often confused"
    return Section(TITLE, words, height, paint)


def values_section(explanation: Explanation) -> Section | None:
    """Return given values over true ones as a section; None for classes."""
    if explanation.counts is not None:
        return None
    subject = explanation.subject
    true, given = subject.target.numpy(), subject.prediction.numpy()
    furthest = [mistake.number - 1 for mistake in explanation.mistakes]

    def paint(sheet: Sheet, top: float) -> None:
        axes = sheet.axes(EDGE + 0.75, top, 5.2, 3.9)
        low, high = min(true.min(), given.min()), max(true.max(), given.max())
        edge = 0.04 * (high - low) or 1.0
        axes.plot([low, high], [low, high], color=LINE, linewidth=1.2, zorder=0)
        axes.vlines(true[furthest], true[furthest], given[furthest], color=ORANGE, linewidth=0.8, alpha=0.6)
        axes.plot(true, given, "o", color=BLUE, markersize=4, alpha=0.55, markeredgewidth=0)
        axes.plot(true[furthest], given[furthest], "o", color=ORANGE, markersize=5, markeredgewidth=0)
        axes.set_xlim(low - edge, high + edge)
        axes.set_ylim(low - edge, high + edge)
        axes.set_xlabel("true value", color=INK, fontsize=LETTERS)
        axes.set_ylabel("given", color=INK, fontsize=LETTERS)
        axes.tick_params(colors=INK, labelsize=LETTERS)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#bbbbbb")

    words = f"The line is where they agree; in orange the {len(furthest)} largest errors"
    return Section("Given and true values", words, 4.35, paint)
