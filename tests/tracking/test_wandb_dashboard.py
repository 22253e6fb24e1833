"""Each panel shows what runs log, and runs are grouped by what their configuration in W&B holds."""

from collections.abc import Callable
from typing import Any

import pytest
from wandb_workspaces.reports.v2 import interface as panels

from temper.command.job import Job
from temper.report.curves import read_metrics
from temper.report.outcome import final_figures
from temper.run import run
from temper.tracking.wandb_dashboard import dashboard

# Measured where there is a meter, or a target to reach.
NOT_ALWAYS = {"cost/joules", "speed/seconds_to_target"}


def made(**changed: Any) -> Any:
    asked = {
        "entity": "us", "project": "rates", "name": "mine", "metric": "val/accuracy", "classes": True, "by": (),
        "choices": {"optimizer": "adam"},
    }  # fmt: skip
    return dashboard(**asked | changed)


def shown(view: Any) -> set[str]:
    """Return the names of all that the panels of ``view`` draw."""
    found: set[str] = set()
    for panel in (each for section in view.sections for each in section.panels):
        if isinstance(panel, panels.LinePlot):
            found |= set(panel.y)
            assert panel.x == "trainer/global_step", "W&B's own steps are calls of log"
        elif isinstance(panel, panels.BarPlot):
            found |= set(panel.metrics)
        elif isinstance(panel, panels.ScatterPlot):
            found |= {panel.x.name, panel.y.name}
        elif isinstance(panel, panels.ParameterImportancePlot):
            found.add(panel.with_respect_to)
        elif isinstance(panel, panels.ParallelCoordinatesPlot):
            found |= {each.metric.name for each in panel.columns if isinstance(each.metric, panels.SummaryMetric)}
        else:
            assert isinstance(panel, panels.RunComparer)
    return found


@pytest.mark.parametrize(
    ("words", "metric", "classes"),
    [((), "val/accuracy", True), (("task=mlp", "data=diabetes", "loss=mse"), "val/rmse", False)],
)
def test_every_panel_shows_what_a_run_logs(
    words: tuple[str, ...], metric: str, classes: bool, job_of: Callable[..., Job]
) -> None:
    job = job_of(*words, "trainer=cpu", "trainer.threads=1", "epochs=1", "gradient_norm=whole", "flush_every=2")
    report = run(job)
    assert job.experiment.chosen_by[0] == metric
    logged = {*read_metrics(job.folder), *final_figures(report)}
    drawn = shown(made(metric=metric, classes=classes))
    assert drawn - NOT_ALWAYS <= logged
    assert metric.replace("val", "train") in drawn
    assert len(drawn) > 20


def test_runs_are_grouped_by_axes_and_knobs() -> None:
    view = made(by=("optimizer", "optimizer.lr"))
    assert [each.name for each in view.runset_settings.groupby] == ["choices.optimizer", "optimizer.lr"]
    (columns,) = (
        each.columns
        for section in view.sections
        for each in section.panels
        if isinstance(each, panels.ParallelCoordinatesPlot)
    )
    assert [each.metric.name for each in columns] == ["choices.optimizer", "optimizer.lr", "final/val/accuracy"]


def test_what_is_sent_can_be_written() -> None:
    text = made(by=("optimizer",))._to_model().model_dump_json(by_alias=True)
    assert '"config:choices.value.optimizer"' in text
    assert '"final/test/accuracy"' in text
