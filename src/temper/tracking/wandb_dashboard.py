"""The dashboard of a W&B project as code: a saved view of its workspace, made of what every run of ours logs.

    score          what runs are chosen by, as it went and as it ended, with the class that is recognised worst
    training       loss, rate, gradient norm where it is recorded, pace
    four figures   speed, cost, generalisation, complexity of each run, as its report has them
    trade-offs     the test score over what it cost, and over what the network costs in use
    what mattered  which settings went with a good score, and where runs differ

By https://docs.wandb.ai/models/ref/wandb_workspaces/workspaces, which W&B calls a public preview.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from wandb_workspaces.expr import Config
from wandb_workspaces.reports.v2 import interface as panels
from wandb_workspaces.workspaces.interface import RunsetSettings, Section, Workspace

from temper.report.record import Complexity, Cost, Generalisation, Speed

CHOICES = "choices"  # of a run's configuration in W&B: the option of each axis, by its name
FIGURES = {"speed": Speed, "cost": Cost, "generalisation": Generalisation, "complexity": Complexity}
IN_EXCHANGE = ("cost/seconds", "cost/training_multiply_adds", "complexity/bytes", "complexity/latency_seconds")


def dashboard(
    *, entity: str, project: str, name: str, metric: str, classes: bool, by: Sequence[str], choices: Mapping[str, Any]
) -> Workspace:
    """Return the view; nothing is sent.

    Args:
        entity: who owns the project.
        project: whose runs are shown.
        name: of the view.
        metric: that runs are chosen by, such as ``val/accuracy``.
        classes: whether runs tell classes apart, so that one of them is recognised worst.
        by: axes and dotted keys whose values make runs one group, such as all seeds of an optimizer.
        choices: the option of each axis.
    """
    score = metric.partition("/")[2]
    tested, validated = f"final/test/{score}", f"final/{metric}"
    keys = [f"{CHOICES}.{key}" if key in choices else key for key in by]
    columns: list[Any] = [*map(panels.Config, keys), panels.SummaryMetric(validated)]
    return Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=[
            _section(
                "score",
                [
                    _curve(f"train/{score}", metric),
                    _bars(tested),
                    _bars("generalisation/gap"),
                    *([_curve("val/worst_class"), _bars("final/test/worst_class")] if classes else []),
                ],
            ),
            _section(
                "training",
                [_curve(*each) for each in (("train/loss", "val/loss"), ("learning_rate",), ("examples_per_second",))]
                + [_curve("gradient_norm")],
            ),
            _section(
                "four figures",
                [_bars(f"{group}/{each.name}") for group, record in FIGURES.items() for each in fields(record)],
            ),
            _section("trade-offs", [_scatter(cost, tested) for cost in IN_EXCHANGE]),
            _section(
                "what mattered",
                [
                    panels.ParameterImportancePlot(with_respect_to=validated),
                    panels.ParallelCoordinatesPlot(
                        columns=[panels.ParallelCoordinatesPlotColumn(metric=each) for each in columns]
                    ),
                    panels.RunComparer(diff_only="split"),
                ],
            ),
        ],
        runset_settings=RunsetSettings(groupby=[Config(key) for key in keys]),
    )


def _section(name: str, held: Sequence[Any]) -> Section:
    return Section(name=name, panels=list(held), is_open=True)


def _curve(*metrics: str) -> Any:
    # W&B's own Step counts what was logged; this is the optimizer's, by Lightning's name.
    return panels.LinePlot(title=" and ".join(metrics), x="trainer/global_step", y=list(metrics))


def _bars(metric: str) -> Any:
    return panels.BarPlot(title=metric, metrics=[metric])


def _scatter(cost: str, score: str) -> Any:
    """Return a point for each run: cost to the right, by its magnitude, and score upwards."""
    return panels.ScatterPlot(
        title=f"{score} over {cost}", x=panels.SummaryMetric(cost), y=panels.SummaryMetric(score), log_x=True
    )
