"""A learning-rate range test as one picture: the loss over the rate, with the rate that is proposed."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from temper.report.frame import INK, frame

_ROOM = 1.5  # times the loss at the start: what explodes is cut off there


def draw(
    path: Path,
    title: str,
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    *,
    before: float,
    least: int | None,
    proposed: float | None,
) -> None:
    """Write the picture to ``path``; ``before`` is the loss at the start, ``least`` the place of the minimum."""
    figure = Figure(figsize=(6.4, 4.0), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(rates, losses, color="#4477aa", alpha=0.35, linewidth=0.8, label="each step")
    axes.plot(rates, smoothed, color="#4477aa", linewidth=1.8, label="smoothed")
    axes.axhline(before, color="#bbbbbb", linewidth=0.8, linestyle=":", label="before any step")
    if least is not None:
        axes.plot(rates[least], smoothed[least], "o", color="#4477aa", markersize=5)
    if proposed is not None:
        axes.axvline(proposed, color="#cc6633", linewidth=1.6, label=f"proposed: {proposed:g}")
    axes.set_xscale("log")
    axes.set_ylim(0, _ROOM * max(before, min(smoothed)))
    axes.set_xlabel("learning rate", color=INK)
    axes.set_ylabel("training loss", color=INK)
    axes.set_title(title, loc="left", fontweight="bold", color=INK, fontsize=11)
    frame(axes)
    axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    figure.savefig(path)
