"""A run's learning curves as one picture, drawn from its metrics.csv."""

import math
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from temper.report.frame import INK, frame
from temper.settings_file import load
from temper.training.metrics_file import read_rows

Series = list[tuple[int, float]]  # (optimizer step, value)

_COLOURS = {"train": "#4477aa", "val": "#cc6633"}
_IN_LOSS = {"train": "train, as minimised", "val": "val, plain"}  # without weights, smoothing and scale
_SCALED = {"train": "train, of the standardised target"}  # val is in the target's own units: no axis holds both
_PANEL = (4.4, 3.5)  # inches; around its axes:
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.65, 0.2, 0.5, 0.65


def read_metrics(folder: Path) -> dict[str, Series]:
    """Return each column of the run's metrics.csv as (step, value) pairs, finite values only, in order of steps.

    Where a step stands in several rows, as after a resumed run, the last one counts. No file: an empty dictionary.
    """
    found: dict[str, dict[int, float]] = {}
    for row in read_rows(folder / "metrics.csv"):
        for name, cell in row.items():
            value = _number(cell) if name != "step" else None
            if value is not None:
                found.setdefault(name, {})[int(row["step"])] = value
    return {name: sorted(values.items()) for name, values in found.items()}


def steady(means: Series) -> Series:
    """Return ``means``, each of the steps since the one before, without those of few steps, that look like spikes.

    An epoch ends in such a one, where its steps are no multiple of ``flush_every``.
    """
    steps = [0, *(step for step, _ in means)]
    spans = [after - before for before, after in pairwise(steps)]
    return [point for point, span in zip(means, spans, strict=True) if 2 * span >= median(spans)]


def _number(cell: str) -> float | None:
    try:
        value = float(cell) if cell else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def draw(folder: Path) -> Path | None:
    """Write curves.png into the run's ``folder`` and return its path; None where nothing was measured."""
    metrics = read_metrics(folder)
    metric = next((name for name in ("accuracy", "rmse") if {f"train/{name}", f"val/{name}"} & metrics.keys()), None)
    in_loss = _SCALED if metric == "rmse" and _scaled(folder) else _IN_LOSS
    panels = [("loss", {split: metrics.get(f"{split}/loss", []) for split in in_loss})]
    if metric is not None:
        panels.append((metric, {split: metrics.get(f"{split}/{metric}", []) for split in _COLOURS}))
    panels.append(("learning rate", {"": metrics.get("learning_rate", [])}))
    panels = [(title, lines) for title, lines in panels if any(lines.values())]
    if not panels:
        return None

    width, height = _PANEL[0] * len(panels), _PANEL[1]
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    for number, (title, lines) in enumerate(panels):
        # Margins of our own: matplotlib's constrained layout would take as long as all the rest.
        place = (number * _PANEL[0] + _LEFT, _BOTTOM, _PANEL[0] - _LEFT - _RIGHT, height - _BOTTOM - _TOP)
        axes = figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
        _panel(axes, title, lines, metrics.get("epoch", []), in_loss)
    path = folder / "curves.png"
    figure.savefig(path)
    return path


def _scaled(folder: Path) -> bool:
    """Return whether the run's config.yaml says that the target of a regression is standardised."""
    path = folder / "config.yaml"
    steps = load(path).get("preprocessing") if path.exists() else None  # an empty list is in no config.yaml
    return bool(steps and steps.get("standardize", {}).get("target"))


def _panel(
    axes: Axes, title: str, lines: dict[str, Series], epochs: Series, in_loss: dict[str, str] = _IN_LOSS
) -> None:
    for split, series in lines.items():
        if not series:
            continue
        series = steady(series) if split == "train" else series
        colour = _COLOURS.get(split, "#557755")
        marker = "o" if len(series) == 1 else ("." if len(series) < 40 and split == "val" else "")
        label = in_loss[split] if title == "loss" else split
        axes.plot(*zip(*series, strict=True), color=colour, linewidth=1.6, marker=marker, label=label)
    values = [value for series in lines.values() for _, value in series]
    if title == "loss" and min(values) > 0 and max(values) / min(values) > 100:
        axes.set_yscale("log")
    elif title == "learning rate":
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
        axes.yaxis.get_offset_text().set(horizontalalignment="right", color=INK, fontsize=8)  # clear of the epochs
        axes.set_ylim(bottom=min(0.0, min(values)), top=max(values) * 1.08 if max(values) > 0 else None)
    if len([split for split, series in lines.items() if series and split]) > 0:
        axes.legend(frameon=False, labelcolor=INK)
    axes.set_title(title, loc="left", fontweight="bold", color=INK, fontsize=11)
    axes.set_xlabel("optimizer step", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    frame(axes)
    _epoch_marks(axes, epochs)


def _epoch_marks(axes: Axes, epochs: Series) -> None:
    """Label the upper edge with epochs, each where so many are over."""
    over = {0: 0} | {int(epoch) + 1: step for step, epoch in epochs}  # the last row of an epoch ends it
    first, last = axes.get_xlim()
    begun = max(over) - 1
    every = MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]).tick_values(0, max(1, begun))
    steps = np.interp(every, list(over), list(over.values()))  # an epoch may end between two rows
    chosen = {int(epoch): step for epoch, step in zip(every, steps, strict=True) if 0 <= epoch <= begun}
    chosen = {epoch: step for epoch, step in chosen.items() if first <= step <= last}
    if not begun or not chosen:
        return
    upper = axes.secondary_xaxis("top")
    upper.set_xticks(list(chosen.values()), [str(epoch) for epoch in chosen])
    upper.set_xlabel("epoch", color="#888888", fontsize=8, loc="right")
    upper.tick_params(colors="#888888", labelsize=8, length=3)
    upper.spines["top"].set_visible(False)
