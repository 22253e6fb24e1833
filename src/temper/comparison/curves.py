"""The learning curves of methods over each other: a bold line for the mean over seeds, a thin one for each seed."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from textwrap import fill

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from temper.comparison.methods import Method
from temper.refusal import Refusal
from temper.report.curves import Series, read_metrics, steady
from temper.report.frame import INK, frame

LOSS = "train/loss"
_COLOURS = ("#cc6633", "#4477aa", "#228833", "#aa3377", "#66ccee", "#ccbb44", "#777777")  # the baseline's first
_STYLES = ("-", "--", ":", "-.")  # for as many rounds of colours
_NAME = 90  # characters of a method's name on one line


def read(methods: Sequence[Method]) -> tuple[str, list[list[Series]]]:
    """Return the name of what every run has recorded, and each method's curves of it, by seed.

    The main validation metric; where a run was not validated, the training loss.

    Raises:
        Refusal: a run's metrics.csv holds neither.
    """
    found = {run.folder: read_metrics(run.folder) for method in methods for run in method.runs.values()}
    for name in (f"val/{methods[0].first.metric}", LOSS):
        if all(name in metrics for metrics in found.values()):
            shown = steady if name == LOSS else list
            return name, [[shown(found[run.folder][name]) for _, run in sorted(each.runs.items())] for each in methods]
    bare = next(folder for folder, metrics in found.items() if LOSS not in metrics)
    raise Refusal(f"--curves: {bare} holds no metrics.csv with {LOSS}: leave the run out")


def mean(curves: Sequence[Series]) -> Series:
    """Return the mean over seeds at the steps that all of them have; one that was stopped early ends it."""
    seeds = [dict(curve) for curve in curves]
    return [
        (step, fmean(seed[step] for seed in seeds))
        for step in (seeds[0] if seeds else ())
        if all(step in seed for seed in seeds)
    ]


def draw(path: Path, methods: Sequence[Method], metric: str, curves: Sequence[Sequence[Series]]) -> None:
    """Write the picture to ``path``; ``curves`` holds those of each method by seed, the baseline's first."""
    names = [fill(method.label, _NAME) for method in methods]
    lines = sum(1 + name.count("\n") for name in names)
    figure = Figure(figsize=(7.5, 4.0 + 0.19 * lines), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, (name, seeds) in enumerate(zip(names, curves, strict=True)):
        colour, style = _COLOURS[place % len(_COLOURS)], _STYLES[place // len(_COLOURS) % len(_STYLES)]
        for curve in seeds if len(seeds) > 1 else []:
            axes.plot(*zip(*curve, strict=True), color=colour, alpha=0.35, linewidth=0.7, linestyle=style)
        bold = mean(seeds)
        steps, values = [step for step, _ in bold], [value for _, value in bold]
        marker = "o" if len(bold) == 1 else ""
        axes.plot(steps, values, color=colour, linewidth=1.8, linestyle=style, marker=marker, label=name)
    values = [value for seeds in curves for curve in seeds for _, value in curve]
    if metric == LOSS and min(values) > 0 and max(values) / min(values) > 100:
        axes.set_yscale("log")
    several = any(len(seeds) > 1 for seeds in curves)
    axes.set_title(f"{metric}: mean, and each seed" if several else metric, loc="left", color=INK, fontsize=10)
    axes.set_xlabel("optimizer step", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    frame(axes)
    figure.legend(loc="outside lower left", frameon=False, labelcolor=INK, fontsize=8)
    figure.savefig(path)
