"""Cards and the index of recipes, written from what stands elsewhere: YAML files, docstrings and results.csv.

Between two markers a card holds what people write; that is carried over when the card is written anew.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from temper import recipes
from temper.comparison.statistics import in_interval, in_spread
from temper.comparison.table import markdown
from temper.cookbook.ledger import Row
from temper.cookbook.standing import Standing, by_machine, in_time
from temper.metric import over_views
from temper.recipes import CONF, axes, option_of, plain, slot_key, slots
from temper.report.units import in_score

HAND_WRITTEN = ("When it helps", "Does not go with", "If it fails")
UNMEASURED = "not measured yet"
_KNOB = re.compile(r"^\s*(\w+):[ \t]*([^#]*?)[ \t]*(?:#\s*(.*))?$")


def card(stands: Standing, before: str = "") -> str:
    """Return the card of a recipe; the hand-written sections of ``before`` are kept."""
    name = stands.recipe
    parts = [
        f"# {name}",
        "<!-- Written by scripts/index_recipes.py. By hand: only between the markers below. -->",
        header(name),
        f"```bash\npython train.py recipe={name}\n```",
    ]
    strategies = list(_strategies(stands))
    for axis, option in strategies:
        parts += [f"## Method: {axis}={option}", *_method(axis, option)]
        parts += _knobs(axis, option, stands.config)
    if strategies:
        page = f"{_up(name)}../docs/combinations.md#{strategies[0][0]}"
        parts.append(f"What does not go with it, and why: [combinations]({page}).")
    parts += ["## Settings", *_settings(stands), "## Numbers", *_numbers(stands)]
    for title in HAND_WRITTEN:
        written = by_hand(before, title)
        # A heading with nothing beneath it would only promise something.
        parts += [f"## {title}"] if written else []
        parts.append(f"{_opening(title)}\n{written}{_closing(title)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def index(standings: Sequence[Standing]) -> str:
    """Return recipes/README.md: every recipe by folder."""
    parts = [
        "# Recipes",
        "<!-- Written by scripts/index_recipes.py: change the recipes, not this page. -->",
        f"{len(standings)} complete, named runs; each has a card beside its file. Figures are means over n seeds ±"
        " standard deviation, or what one seed gave, from [results.csv](results.csv);"
        " `python scripts/verify_recipe.py RECIPE --seeds 3` measures one. A card adds the 95 % interval of the"
        " difference (Welch) to the recipe that it builds on."
        " Which to try for what: [CHOOSING.md](CHOOSING.md).",
    ]
    for folder in dict.fromkeys(stands.recipe.partition("/")[0] for stands in standings):
        rows = []
        for stands in standings:
            if stands.recipe.partition("/")[0] != folder:
                continue
            link = f"[{stands.recipe}]({stands.recipe}.md)"
            what = header(stands.recipe).split("\n\n")[0].replace("\n", " ")
            command = f"`python train.py recipe={stands.recipe}`"
            rows.append([link, command, what, _differs(stands), figure(stands)])
        parts += [f"## {folder}", markdown(["recipe", "command", "what it is", "differs from", "measured"], rows)]
    return "\n\n".join(parts) + "\n"


def header(name: str) -> str:
    """Return the comment at the top of a recipe's file, a blank comment line as a new paragraph."""
    lines = []
    for line in (recipes.RECIPES / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        said = line.removeprefix("#").strip()
        if said != f"python train.py recipe={name}":  # the card has it anyway
            lines.append(said)
    return "\n".join(lines).strip()


def figure(stands: Standing) -> str:
    """Return the recipe's figure with the number of its seeds, or that it is not measured yet."""
    spread = stands.mean_and_deviation(stands.metric) if stands.metric else None
    if spread is None:
        return UNMEASURED
    count = len(stands.rows)
    return f"{stands.metric} {in_spread(spread)} ({'one seed' if count == 1 else f'n = {count}'})"


def settings(name: str) -> list[tuple[str, str]]:
    """Return what a recipe's own file says, key and value, its promise left out."""
    _, chosen, values = recipes.read(name)
    said = [(axis, _shown(option)) for axis, option in chosen.items()]
    for key, value in values.items():
        if key != "expect":
            said += [(leaf, _shown(knob)) for leaf, knob in _leaves(key, value)]
    return said


def by_hand(text: str, title: str) -> str:
    """Return what people have written below ``title`` in the card ``text``; empty: nothing."""
    start, end = text.find(_opening(title)), text.find(_closing(title))
    if start < 0 or end < start:
        return ""
    written = text[start + len(_opening(title)) : end].strip()
    return f"{written}\n" if written else ""


def _strategies(stands: Standing) -> Iterator[tuple[str, str]]:
    """Yield the axis that the recipe's folder names, with each option that it chooses there and its parent does not."""
    axis = stands.recipe.partition("/")[0]
    if axis not in axes():
        return
    chosen = recipes.read(stands.recipe)[1]
    option = chosen.get(axis, [])
    own = [plain(each) for each in (option if isinstance(option, list) else [option])]
    inherited: Any = recipes.read(stands.parent)[1].get(axis, []) if stands.parent else []
    fresh = [each for each in own if each not in inherited] if isinstance(inherited, list) else own
    yield from ((axis, each) for each in fresh or own)


def _method(axis: str, option: str) -> Iterator[str]:
    path = Path(__file__).parents[1] / axis / f"{option}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
    for paragraph in (text or "").split("\n\n"):
        # Two columns, formula and phrase, are told from prose by the gap between them.
        aligned = any("   " in line.strip() or line.startswith("    ") for line in paragraph.splitlines())
        yield f"```text\n{paragraph}\n```" if aligned else paragraph


def _knobs(axis: str, option: str, config: Mapping[str, Any]) -> list[str]:
    several = isinstance(axes()[axis], list)
    node = config.get(axis) or {}
    place, values = (f"{axis}.{option}", node.get(option, {})) if several else (axis, node)
    rows = list(_rows(axis, option, place, values))
    return [markdown(["knob", "here", "default", "what it is for"], rows)] if rows else ["It has no knobs."]


def _rows(axis: str, option: str, place: str, values: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a row for each knob of ``option`` with ``values`` at ``place``, then for those of what it holds."""
    for line in (CONF / axis / f"{option}.yaml").read_text(encoding="utf-8").splitlines():
        match = _KNOB.match(line)
        if match and match[1] in values and match[1] not in ("_target_", option):
            yield [f"`{place}.{match[1]}`", _shown(values[match[1]]), match[2], match[3] or ""]
    for field, default in slots(axis, option).items():
        held = option_of(values[field])
        yield [f"`{slot_key(axis, f'{place}.{field}')}`", held, default, "what it holds, with its own knobs below"]
        yield from _rows(axis, held, f"{place}.{field}", values[field])


def _settings(stands: Standing) -> list[str]:
    said = [f"On top of [{stands.parent}]({_up(stands.recipe)}{stands.parent}.md):"] if stands.parent else []
    rows = [[f"`{key}`", value] for key, value in settings(stands.recipe)]
    return [*said, markdown(["setting", "value"], rows)]


def _numbers(stands: Standing) -> list[str]:
    expect, parts = stands.config.get("expect"), []
    if expect:
        state = {"kept": "kept", "broken": "broken"}.get(stands.promise, UNMEASURED)
        parts.append(
            f"Promised: mean {expect['metric']} of {expect['value']:g}, no worse by more than"
            f" {expect['tolerance']:g}: {state}."
        )
    if not stands.rows:
        return [*parts, f"{UNMEASURED.capitalize()}: `python scripts/verify_recipe.py {stands.recipe} --seeds 3`."]
    main = stands.rows[0].metric
    rows = []
    for metric in dict.fromkeys(
        name
        for name in (stands.metric, f"test/{main}", f"test/{over_views(main)}", f"val/{main}", f"train/{main}")
        if name
    ):
        spread = stands.mean_and_deviation(metric)
        if spread is not None:
            deviation = "-" if spread[1] is None else in_score(spread[1])
            against = in_interval(stands.interval, stands.alike) if metric == stands.metric else "-"
            count = str(len(stands.values(metric)))
            rows.append([metric, in_score(spread[0]), deviation, count, *([against] if stands.parent else [])])
    columns = ["metric", "mean", "standard deviation", "seeds"]
    columns += [f"minus {stands.parent}: 95 % interval of the difference (Welch)"] if stands.parent else []
    parts += [markdown(columns, rows), _machines(stands.rows)]
    if stands.elsewhere and (stands.interval or stands.alike) is not None:
        parts.append(
            f"Not all seeds of {stands.parent} ran on the same kinds of processor as these. Another one rounds"
            " otherwise, and all seeds may move together by it, which the interval does not hold."
        )
    return parts


def _machines(rows: Sequence[Row]) -> str:
    lines = [
        [device, str(threads), torch, str(len(own)), in_time(own)]
        for (device, threads, torch), own in by_machine(rows).items()
    ]
    return markdown(["device", "threads", "torch", "seeds", "training"], lines)


def _differs(stands: Standing) -> str:
    if stands.parent is None:
        return "-"
    said = ", ".join(f"{key}={value}" for key, value in settings(stands.recipe))
    return f"{stands.parent}: {said}"


def _up(name: str) -> str:
    return "../" * name.count("/")


def _opening(title: str) -> str:
    return f"<!-- by hand: {title} -->"


def _closing(title: str) -> str:
    return f"<!-- end: {title} -->"


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(f"{key}.{name}", child)
    else:
        yield key, value


def _shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).replace("None", "null").lower()
    if isinstance(value, list):
        return f"[{', '.join(_shown(each) for each in value)}]"
    return str(value)
