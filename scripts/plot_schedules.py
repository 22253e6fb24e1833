"""Draw the learning rate of each schedule over a run, by its default values, into docs/schedules.png.

A panel is an option of conf/scheduler, or another mode of one; one shows a warm-up in front. `plateau` reacts to
validation: it is drawn on an accuracy that rises for ten epochs, again from epoch 14 to 17, and stands still otherwise.
"""

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from temper.command.command_line import options
from temper.experiment import make
from temper.output_file import check_picture, writing
from temper.quantity import Clock
from temper.recipes import CONF
from temper.refusal import refusing
from temper.strategy import Scheduler

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "schedules.png"
EPOCHS, STEPS = 30, 100  # of the run, and of one of its epochs
CLOCK = Clock(tuple(range(0, EPOCHS * STEPS + 1, STEPS)))
COLUMNS = 5
FURTHER: dict[str, list[dict[str, Any]]] = {  # knobs of further panels
    "cosine": [{"warmup": "5epochs"}],
    "triangular": [{"mode": "triangular2"}, {"mode": "exp_range", "gamma": 0.6}],
}
RATE, NOTE = "#1f5fa8", "#8a8a8a"


def schedule(name: str, **knobs: Any) -> tuple[Scheduler, dict[str, Any]]:
    """Return the schedule ``name`` with its default knobs but ``knobs``, and all its knobs."""
    node: Any = OmegaConf.to_container(OmegaConf.load(CONF / "scheduler" / f"{name}.yaml"))
    made: Scheduler = make(node | knobs, "scheduler")
    return made, {knob: value for knob, value in (node | knobs).items() if knob != "_target_"}


def accuracy(epoch: int) -> float:
    """Return the validation accuracy after ``epoch`` epochs on which a reaction is drawn."""
    return 0.5 + 0.03 * (min(epoch, 10) + max(0, min(epoch, 17) - 14))


def rates(made: Scheduler) -> list[float]:
    """Return what the base rate is multiplied by in each step of the run."""
    reaction, factors = made.reaction("max"), []
    for step in range(CLOCK.total_steps):
        if reaction is not None and step and step in CLOCK.epoch_starts:
            reaction.see(accuracy(CLOCK.epoch(step)))
        factors.append(made.warmed_factor(step, CLOCK) * (1 if reaction is None else reaction.factor))
    return factors


def draw(axes: Axes, title: str, made: Scheduler, knobs: dict[str, Any]) -> None:
    """Draw one panel; beneath its title stand the knobs that are not at nothing."""
    told = [f"{knob}={_shown(value)}" for knob, value in knobs.items() if value not in (0, None)]
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold", pad=28)
    beneath = textwrap.fill(", ".join(told), 46)
    axes.annotate(beneath, (0, 1), (0, 23), "axes fraction", "offset points", fontsize=7, color=NOTE, va="top")
    axes.plot([step / STEPS for step in range(CLOCK.total_steps)], rates(made), color=RATE, linewidth=1.6)
    if made.validates:
        seen = range(1, EPOCHS + 1)
        axes.plot(seen, [accuracy(epoch) for epoch in seen], ".", color=NOTE, markersize=3)
        axes.text(2, accuracy(2) - 0.12, "val/accuracy", color=NOTE, fontsize=7)
    axes.set(xlim=(0, EPOCHS), ylim=(-0.04, 1.08), xticks=range(0, EPOCHS + 1, 10), yticks=(0, 0.5, 1))
    axes.tick_params(labelsize=8, color=NOTE)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", metavar="FILE", type=Path, default=PICTURE, help="the picture")
    asked = parser.parse_args(words)
    with refusing():
        check_picture("--to", asked.to, "schedules.png")
    panels = [(name, knobs) for name in options("scheduler") for knobs in [{}, *FURTHER.get(name, [])]]
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 2.55, rows * 2.45), dpi=100)
    figure.subplots_adjust(left=0.055, right=0.99, bottom=0.2 / rows, top=1 - 0.28 / rows, wspace=0.16, hspace=0.6)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place < len(panels):
            name, knobs = panels[place]
            draw(axes, name, *schedule(name, **knobs))
            axes.tick_params(labelleft=place % COLUMNS == 0)
        else:
            axes.set_axis_off()
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("learning rate / optimizer.lr", fontsize=10)
    with refusing(), writing("--to", asked.to):
        figure.savefig(asked.to)
    print(asked.to)


if __name__ == "__main__":
    main()
