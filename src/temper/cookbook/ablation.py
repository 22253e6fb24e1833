"""docs/record.md: a recipe, and the recipe with each of its parts taken out in turn.

The words, and what is taken out by which words of a command line, are written by hand in docs/record.yaml; figures of
the whole recipe come from recipes/results.csv, those without a part from recipes/ablation.csv, whose ``recipe`` column
holds the recipe and those words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from temper.comparison.statistics import deviation, in_interval, in_spread, same, welch
from temper.comparison.table import NOISE, markdown
from temper.cookbook.card import UNMEASURED
from temper.cookbook.ledger import Row, figures_of
from temper.cookbook.standing import compose_recipe
from temper.cookbook.verification import Errand, fitting, missing
from temper.digest import digest
from temper.metric import over_views
from temper.recipes import RECIPES, ROOT
from temper.refusal import Refusal
from temper.report.units import in_seconds

SOURCE = ROOT / "docs" / "record.yaml"
PAGE = ROOT / "docs" / "record.md"
PICTURE = ROOT / "docs" / "record.png"
ABLATION = RECIPES / "ablation.csv"
COLUMNS = ("taken out", "instead", "n", "with views", "difference", "plain", "training")


@dataclass(frozen=True)
class Part:
    """What may be taken out: its name, what then stands in its place, and the words that take it out."""

    name: str
    without: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What docs/record.yaml says."""

    recipe: str
    introduction: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Measured:
    """The seeds of the recipe, whole (``part`` is None) or without a part."""

    part: Part | None
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Return what it is called in the table and the picture."""
        return "nothing" if self.part is None else self.part.name

    def values(self, metric: str) -> list[float]:
        """Return the figures of ``metric`` that its seeds have."""
        return figures_of(metric, self.rows)

    @property
    def seconds(self) -> float | None:
        """Return the mean seconds of training, where they were timed."""
        timed = [row.seconds for row in self.rows if row.seconds is not None]
        return fmean(timed) if timed else None


def plan(source: Path) -> Plan:
    """Return what ``source`` says.

    Raises:
        Refusal: it is not what it must be.
    """
    try:
        read: Any = OmegaConf.to_container(OmegaConf.load(source))
        parts = tuple(Part(each["name"], each["without"], tuple(each["words"])) for each in read["parts"])
        return Plan(read["recipe"], read["introduction"].strip(), parts)
    except (OSError, KeyError, TypeError, AttributeError, YAMLError, OmegaConfBaseException) as fault:
        raise Refusal(
            f"{source}: a recipe, an introduction and parts are wanted, each with name, without and words ({fault})"
        ) from None


def ablations(asked: Plan, seeds: int, *, threads: int, machine: Sequence[str], rows: Sequence[Row]) -> list[Errand]:
    """Return the runs without a part that ``rows`` lack, seed by seed.

    Raises:
        Refusal: there is no such recipe, or a word is at fault.
    """
    found = [
        errand
        for part in asked.parts
        for errand in missing(
            asked.recipe,
            [*fitting(asked.recipe, machine), *part.words],
            range(seeds),
            threads=threads,
            rows=rows,
            place="ablate",
            entered_as=_entered(asked.recipe, part),
        )
    ]
    return sorted(found, key=lambda errand: errand.seed)


def measured(asked: Plan, results: Sequence[Row], rows: Sequence[Row]) -> list[Measured]:
    """Return the recipe, then the recipe without each part, each with its rows of today's method."""
    whole = digest(compose_recipe(asked.recipe))
    found = [Measured(None, tuple(row for row in results if (row.recipe, row.digest) == (asked.recipe, whole)))]
    for part in asked.parts:
        key = _entered(asked.recipe, part), digest(compose_recipe(asked.recipe, part.words))
        found.append(Measured(part, tuple(row for row in rows if (row.recipe, row.digest) == key)))
    return found


def page(asked: Plan, found: Sequence[Measured]) -> str:
    """Return docs/record.md."""
    whole, *others = found
    metric = "test/accuracy"
    parts = [
        "# The record",
        f"<!-- Written by scripts/index_recipes.py from docs/{SOURCE.name}: change that. -->",
        *([] if any(each.rows for each in found) else [f"It is {UNMEASURED}, neither whole nor without a part."]),
        asked.introduction,
        "## What each part buys",
        "Each part taken out in turn, all else as it stands; `with views` is test accuracy with test-time augmentation,"
        " `difference` the 95 % interval of the change of it (Welch), `plain` without it.",
        markdown(COLUMNS, [_cells(each, whole, metric) for each in found]),
    ]
    if whole.seconds is not None and any(each.seconds is not None for each in others):
        parts.append(f"![Accuracy over seconds of training, each part taken out in turn]({PICTURE.name})")
    commands = f"python scripts/verify_recipe.py {asked.recipe} --seeds 10\npython scripts/ablate_recipe.py --seeds 3"
    parts.append(f"```bash\n{commands}\n```")
    return "\n\n".join(parts) + "\n"


def outdated(asked: Plan, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are about no part of today's."""
    today = {(_entered(asked.recipe, part), digest(compose_recipe(asked.recipe, part.words))) for part in asked.parts}
    return [row for row in rows if (row.recipe, row.digest) not in today]


def _entered(recipe: str, part: Part) -> str:
    return f"{recipe} {' '.join(part.words)}"


def _cells(each: Measured, whole: Measured, metric: str) -> list[str]:
    instead = "-" if each.part is None else each.part.without
    viewed, plain = each.values(over_views(metric)), each.values(metric)
    if not plain:
        return [each.name, instead, "0", UNMEASURED, "-", "-", "-"]
    spread = in_spread((fmean(viewed), deviation(viewed))) if viewed else "-"
    theirs = [] if each.part is None else whole.values(over_views(metric))
    apart = welch(viewed, theirs)
    told = in_interval(apart, same(viewed, theirs)) + (
        f": {NOISE}" if apart is not None and apart[0] <= 0 <= apart[1] else ""
    )
    seconds = "-" if each.seconds is None else in_seconds(each.seconds)
    return [each.name, instead, str(len(plain)), spread, told, in_spread((fmean(plain), deviation(plain))), seconds]


def points(found: Sequence[Measured]) -> Mapping[str, tuple[list[float], list[float]]]:
    """Return the seconds and the accuracies with views of each seed that was timed, by what was taken out."""
    metric, chosen = over_views("test/accuracy"), {}
    for each in found:
        timed = [(row.seconds, row.figures[metric]) for row in each.rows if row.seconds and metric in row.figures]
        if timed:
            chosen[each.name] = [seconds for seconds, _ in timed], [value for _, value in timed]
    return chosen
