"""How a picture of lines is framed: pale, so that the lines are what is seen."""

from typing import Literal

from matplotlib.axes import Axes

INK, PALE = "#444444", "#bbbbbb"  # of letters, and of the frame


def frame(axes: Axes, letters: float = 9, levels: Literal["x", "y", "both"] = "y") -> None:
    """Draw ``levels`` behind the lines, the lower and the left edge alone, and numbers of ``letters`` points."""
    axes.grid(axis=levels, color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=letters)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)
