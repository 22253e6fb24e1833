"""A run's report as one web page that needs no network: figures, curves, metrics, classes and configuration."""

import base64
import os
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from temper.report import smaller, solution
from temper.report.record import Report, figures, metric_rows
from temper.report.units import in_privacy, in_score, in_seconds

FILE = "report.html"
_MACHINE = ("trainer", "logger", "debug", "search", "hydra")  # axes that say nothing of the method


def write(folder: Path) -> Path:
    """Write report.html into ``folder`` from the report.json, config.yaml and curves.png there; return its path."""
    report = Report.load(folder)
    config = folder / "config.yaml"
    html = template("report.html.jinja").render(
        report=report,
        title=title(report.choices),
        figures=figures(report),
        metrics=metric_rows(report),
        coefficients=solution.rows(report.solution),
        heading=solution.heading(report.solution),
        sides=smaller.rows(report.smaller),
        made=smaller.HEADING,
        classes=sorted(report.per_class.items(), key=lambda item: (item[1] is None, item[1] or 0.0)),
        curves=data_uri(folder / "curves.png"),
        config=config.read_text(encoding="utf-8") if config.exists() else "",
    )
    return put(html, folder / FILE)


def put(html: str, path: Path) -> Path:
    """Write ``html`` to ``path`` so that a reader finds the old page or the new one, never a part; return the path."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(path)
    return path


@cache
def template(name: str) -> Template:
    """Return the page called ``name`` of this folder, to be filled."""
    environment = Environment(
        loader=PackageLoader("temper.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(score=in_score, duration=in_seconds, privacy=in_privacy)
    return environment.get_template(name)


def title(choices: dict[str, str | list[str]]) -> str:
    """Return the choices in words, such as ``cifar resnet on cifar10: crop + flip, momentum, one cycle``.

    Axes of the machine, and those that stand at ``none`` or ``default``, are left out.
    """
    words = {axis: " + ".join([choice] if isinstance(choice, str) else choice) for axis, choice in choices.items()}
    words = {axis: word.replace("_", " ") for axis, word in words.items() if word not in ("", "none", "default")}
    subject = " on ".join(word for word in (words.pop("task", ""), words.pop("data", "")) if word)
    method = ", ".join(word for axis, word in words.items() if axis not in _MACHINE)
    return ": ".join(part for part in (subject, method) if part) or "a run"


def data_uri(picture: Path) -> str:
    """Return ``picture``, a PNG, as an address that holds it whole; an empty one where there is none."""
    if not picture.exists():
        return ""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")
