"""What a recipe composes to today, and what the rows of results.csv that are about just that say of it."""

import copy
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from statistics import fmean
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from temper import recipes
from temper.command.composing import composing
from temper.comparison.runs import measured
from temper.comparison.statistics import deviation, same, welch
from temper.cookbook.ledger import TIMED, Row, figures_of
from temper.digest import digest
from temper.metric import better
from temper.refusal import Refusal, nearest
from temper.report.record import Promise, Report, judge_promise, main_metric
from temper.report.units import in_seconds
from temper.settings_file import container


def compose_recipe(name: str, words: Sequence[str] = ()) -> dict[str, Any]:
    """Return the composed values of ``recipe=name`` with the overrides ``words`` on top.

    Raises:
        Refusal: there is no such recipe, or its file does not compose.
    """
    if name not in recipes.names():
        raise Refusal(f"{name}: no such recipe; {nearest(name, recipes.names())}")
    return copy.deepcopy(_composed(name, tuple(words)))  # so that who changes it, changes it for itself


@cache  # Hydra reads and merges some forty files each time
def _composed(name: str, words: tuple[str, ...]) -> dict[str, Any]:
    running = GlobalHydra.instance().is_initialized()  # in a run, by this very folder
    whole = [f"recipe={name}", *words]
    with composing(whole), nullcontext() if running else initialize_config_dir(str(recipes.CONF), version_base="1.3"):
        return container(compose("config", whole))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a recipe stands today.

    Attributes:
        config, digest: what it composes to, and the digest of that.
        parent: the recipe that it builds on.
        rows: of today's digest, by seed.
        metric: the promised one, else the main one on the test set; None where neither is known yet.
        interval: 95 % of the difference of the mean of ``metric`` to the parent's.
        alike: that difference where it is the same in every seed, as where nothing is drawn; then there is no interval.
        elsewhere: whether the parent's seeds ran on other processors, which round otherwise.
    """

    recipe: str
    config: Mapping[str, Any]
    digest: str
    parent: str | None
    rows: Sequence[Row]
    metric: str | None
    interval: tuple[float, float] | None
    alike: float | None
    elsewhere: bool

    def values(self, metric: str) -> list[float]:
        """Return ``metric`` of each seed that has it."""
        return figures_of(metric, self.rows)

    @property
    def promise(self) -> Promise:
        """Return whether the mean over seeds keeps what the recipe promises; a seed without the metric breaks it."""
        expect = self.config.get("expect")
        if expect is None:
            return "none"
        if not self.rows:
            return "not comparable"
        metric = str(expect["metric"])
        values = self.values(metric)
        mean = fmean(values) if len(values) == len(self.rows) else None
        return judge_promise(metric, expect["value"], expect["tolerance"], better(metric), {metric: mean})

    def mean_and_deviation(self, metric: str) -> tuple[float, float | None] | None:
        """Return the mean of ``metric`` over seeds and its standard deviation; None where it was not measured."""
        values = self.values(metric)
        return (fmean(values), deviation(values)) if values else None


def standing(name: str, rows: Iterable[Row]) -> Standing:
    """Return how recipe ``name`` stands by ``rows``."""
    rows = list(rows)
    config, parent = compose_recipe(name), recipes.read(name)[0]
    own = _of(rows, name, digest(config))
    expect = config.get("expect")
    metric = str(expect["metric"]) if expect else f"test/{own[0].metric}" if own else None
    interval = alike = None
    elsewhere = False
    if parent is not None and metric is not None:
        before = _of(rows, parent, digest(compose_recipe(parent)))
        theirs, values = figures_of(metric, before), figures_of(metric, own)
        interval, alike = welch(values, theirs), same(values, theirs)
        elsewhere = {row.device for row in own} != {row.device for row in before}
    return Standing(
        recipe=name,
        config=config,
        digest=digest(config),
        parent=parent,
        rows=own,
        metric=metric,
        interval=interval,
        alike=alike,
        elsewhere=elsewhere,
    )


def outdated(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are not about what their recipe composes to today, or whose recipe is gone."""
    today: dict[str, str | None] = {}
    stale = []
    for row in rows:
        if row.recipe not in today:
            known = row.recipe in recipes.names()
            today[row.recipe] = digest(compose_recipe(row.recipe)) if known else None
        if row.digest != today[row.recipe]:
            stale.append(row)
    return stale


def row_of(recipe: str, report: Report, threads: int, *, timed: bool = True) -> Row:
    """Return the row of results.csv that a finished run's report makes, without times unless it is ``timed``."""
    metric = main_metric(report)
    figures = measured(asdict(report))
    left_out = frozenset() if timed else TIMED
    assert report.seed is not None
    assert report.epochs is not None
    return Row(
        recipe=recipe,
        digest=report.digest,
        seed=report.seed,
        date=datetime.now(UTC).date().isoformat(),
        commit=report.commit or "",
        torch=report.versions.get("torch", importlib.metadata.version("torch")),
        lightning=report.versions.get("lightning", importlib.metadata.version("lightning")),
        device=report.device,
        threads=threads,
        epochs=report.epochs,
        seconds=_rounded(report.cost.seconds) if timed else None,
        wall_seconds=_rounded(report.cost.wall_seconds) if timed else None,
        metric=metric,
        train=report.metrics.get(f"train/{metric}"),
        val=report.metrics.get(f"val/{metric}"),
        test=report.metrics.get(f"test/{metric}"),
        figures={name: value for name, value in figures.items() if name not in left_out},
    )


def in_time(rows: Iterable[Row]) -> str:
    """Return the mean time of training of the timed ones of ``rows``, and of how many where some are not."""
    rows = list(rows)
    seconds = [row.seconds for row in rows if row.seconds is not None]
    if not seconds:
        return "not timed"
    return in_seconds(fmean(seconds)) + (f" (of {len(seconds)})" if len(seconds) < len(rows) else "")


def by_machine(rows: Iterable[Row]) -> Mapping[tuple[str, int, str], Sequence[Row]]:
    """Return ``rows`` by device, threads and torch's version: times are one figure only where these are the same."""
    found: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.device, row.threads, row.torch), []).append(row)
    return found


def _of(rows: Iterable[Row], recipe: str, today: str) -> list[Row]:
    return sorted((row for row in rows if row.recipe == recipe and row.digest == today), key=lambda row: row.seed)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
