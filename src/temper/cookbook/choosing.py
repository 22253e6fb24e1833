"""recipes/CHOOSING.md: from a problem or a symptom to a method, its command and our figure.

The words are written by hand in docs/choosing.yaml, the figures come from the standings of the recipes named there.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from math import inf
from pathlib import Path
from statistics import fmean
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from temper.comparison.statistics import in_interval
from temper.comparison.table import NOISE, markdown
from temper.cookbook.card import UNMEASURED, figure
from temper.cookbook.standing import Standing, by_machine, in_time
from temper.metric import better
from temper.recipes import ROOT
from temper.refusal import Refusal, nearest

SOURCE = ROOT / "docs" / "choosing.yaml"
ENDS = ("recipe", "command")  # one of which a row ends with

TRAINING = "python train.py "  # what such a command gives could be measured,
OWN = ("=my_", "/mine")  # but not by us where it is about the reader's own files


def choosing(source: Path, standings: Mapping[str, Standing]) -> str:
    """Return the page that ``source`` and the ``standings`` of recipes by name make.

    Raises:
        Refusal: ``source`` is not what it must be; names the row and the way out.
    """
    try:
        read: Any = OmegaConf.to_container(OmegaConf.load(source))
        parts = ["# Choosing", f"<!-- Written by scripts/index_recipes.py from docs/{source.name}: change that. -->"]
        parts.append(read["introduction"])
        for section in read["sections"]:
            columns = [*section["columns"], "command", "our figure"]
            order = partial(_rank, standings) if section.get("best_first") else None
            ranked = sorted(section["rows"], key=order) if order else section["rows"]
            rows = [list(_cells(row, section["columns"], source, standings)) for row in ranked]
            parts += [f"## {section['title']}", markdown(columns, rows)]
    except (OSError, KeyError, TypeError, YAMLError, OmegaConfBaseException) as fault:
        raise Refusal(
            f"{source}: an introduction and sections are wanted, each with title, columns, rows ({fault})"
        ) from None
    return "\n\n".join(parts) + "\n"


def _cells(
    row: Mapping[str, str], columns: list[str], source: Path, standings: Mapping[str, Standing]
) -> Iterator[str]:
    place = f"{source}: {' · '.join(str(value) for value in row.values())}"
    ends = [name for name in ENDS if name in row]
    if len(ends) != 1 or {*row} != {*columns, *ends}:
        raise Refusal(f"{place}: a row has {', '.join(columns)}, and a recipe or a command")
    yield from (str(row[column]) for column in columns)
    recipe = row.get("recipe")
    if recipe is None:
        command = row["command"]
        yield f"`{command}`"
        yield UNMEASURED if command.startswith(TRAINING) and not any(word in command for word in OWN) else "-"
        return
    if recipe not in standings:
        raise Refusal(f"{place}: {recipe}: no such recipe; {nearest(recipe, standings)}")
    yield f"`python train.py recipe={recipe}`"
    yield f"[{recipe}]({recipe}.md): {'; '.join(_figure(standings[recipe]))}"


def _rank(standings: Mapping[str, Standing], row: Mapping[str, str]) -> float:
    """Return what is least for the best mean; what is not measured comes last."""
    stands = standings.get(row.get("recipe", ""))
    if stands is None or stands.metric is None or not (values := stands.values(stands.metric)):
        return inf
    return -fmean(values) if better(stands.metric) == "max" else fmean(values)


def _figure(stands: Standing) -> Iterator[str]:
    yield figure(stands)
    told = in_interval(stands.interval, stands.alike)
    where = f"{stands.parent}{', not all on one kind of processor' if stands.elsewhere else ''}"
    if stands.alike is not None:
        yield f"{told}, against {where}"
    elif stands.interval is not None:
        low, high = stands.interval
        yield f"{told} against {where}" + (f": {NOISE}" if low <= 0 <= high else "")
    for (device, threads, _), own in by_machine(row for row in stands.rows if row.seconds is not None).items():
        count = "one thread" if threads == 1 else f"{threads} threads"
        yield f"{in_time(own)} on {device}, {count}"
