"""The files under recipes/, offered to Hydra as the config group ``recipe``.

A recipe's values for an option are offered as an option of their own: ``optimizer/momentum__baseline_cifar10_resnet20``
is momentum.yaml with the recipe's values on top, and that is what the recipe chooses. Another option on the command
line takes the recipe's values away with it: Hydra alone would merge a rate tuned for SGD into Adam without a word.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from temper.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]
CONF, RECIPES = ROOT / "conf", ROOT / "recipes"
TUNED = "__"  # between an option's name and the recipe that tuned it

Chosen = str | list[str]


def axes() -> dict[str, Chosen]:
    """Return the default choice of each axis, in order; that of an axis which takes several options is a list."""
    found: dict[str, Chosen] = {}
    for entry in _load(CONF / "config.yaml")["defaults"]:
        if isinstance(entry, dict):
            (axis, option), *_ = entry.items()
            if not axis.startswith("override") and axis != "recipe":
                found[axis] = option
    return found


def names() -> list[str]:
    """Return the names of all recipes, such as ``baseline/digits_mlp``."""
    return [path.relative_to(RECIPES).with_suffix("").as_posix() for path in sorted(RECIPES.rglob("*.yaml"))]


def offer_recipes() -> None:
    """Store every recipe, and its tuned options, where Hydra finds them."""
    store = ConfigStore.instance()
    for name in names():
        defaults, body = _tune(name)
        group, _, stem = f"recipe/{name}".rpartition("/")
        node = OmegaConf.create({"defaults": [*defaults, "_self_"], **body})
        store.store(group=group, name=stem, node=node, package="_global_", provider=name)
        for axis, option, base, values in _tuned_options(name):
            # A task's file is of the package _global_, as it chooses options of other axes too.
            body, package = ({"task": values}, "_global_") if axis == "task" else (values, None)
            tuned = OmegaConf.create({"defaults": [base, "_self_"], **body})
            store.store(group=axis, name=option, node=tuned, package=package, provider=name)


def plain(option: str) -> str:
    """Return the option's own name, without the recipe that tuned it."""
    return option.split(TUNED)[0]


def tuned_axes(name: str) -> dict[str, list[str]]:
    """Return for each axis the options, by their own names, that recipe ``name`` or what it builds on has tuned."""
    found: dict[str, list[str]] = {}
    for axis, chosen in _choices(name).items():
        options = chosen if isinstance(chosen, list) else [chosen]
        if tuned := [plain(option) for option in options if TUNED in option]:
            found[axis] = tuned
    return found


def _load(path: Path) -> dict[str, Any]:
    loaded = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(loaded, dict)
    return {str(key): value for key, value in loaded.items()}


@cache
def read(name: str) -> tuple[str | None, dict[str, Chosen], dict[str, Any]]:
    """Return the recipe that ``name`` builds on, the options it chooses, and its values."""
    content = _load(RECIPES / f"{name}.yaml")
    parent, chosen = None, {}
    for entry in content.pop("defaults", []):
        if isinstance(entry, str) and entry.startswith("/recipe/"):
            parent = entry.removeprefix("/recipe/")
        elif isinstance(entry, dict):
            ((key, option),) = entry.items()
            chosen[key.removeprefix("override ").removeprefix("/")] = option
        elif entry != "_self_":
            raise Refusal(f"recipes/{name}.yaml: defaults hold '/recipe/NAME', 'override /AXIS: OPTION', '_self_'")
    return parent, chosen, content


def _task_choices(task: str) -> dict[str, Chosen]:
    path = CONF / "task" / f"{task}.yaml"
    entries = _load(path).get("defaults", []) if path.exists() else []
    return {key.removeprefix("override /"): value for entry in entries for key, value in entry.items()}


@cache
def _choices(name: str) -> dict[str, Chosen]:
    """Return the option of each axis under recipe ``name``, tuned ones by the names they are offered under."""
    parent, chosen, values = read(name)
    inherited = _choices(parent) if parent else axes()
    task = chosen.get("task")
    options = {**inherited, **(_task_choices(task) if isinstance(task, str) else {}), **chosen}
    for axis, option in options.items():
        if axis not in values:
            continue
        suffix = f"{TUNED}{name.replace('/', '_')}"
        if isinstance(axes()[axis], list):
            several = option if isinstance(option, list) else [option]
            unknown = set(values[axis]) - {plain(each) for each in several}
            if unknown:
                raise Refusal(f"recipes/{name}.yaml: {axis} has values for {sorted(unknown)}, which it does not choose")
            options[axis] = [plain(each) + suffix if plain(each) in values[axis] else each for each in several]
        else:
            assert isinstance(option, str)
            options[axis] = plain(option) + suffix
    return options


def _tune(name: str) -> tuple[list[Any], dict[str, Any]]:
    """Return recipe ``name`` for Hydra: its defaults with tuned options chosen, and the values of no axis."""
    parent, chosen, values = read(name)
    options = _choices(name)
    altered = [axis for axis in axes() if axis in chosen or axis in values]
    defaults: list[Any] = [f"/recipe/{parent}"] if parent else []
    defaults += [{f"override /{axis}": options[axis]} for axis in altered]
    body = {key: value for key, value in values.items() if key not in axes()}
    return defaults, body


def _tuned_options(name: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Yield axis, offered name, the option it builds on, and the values on top, of each option that ``name`` tunes."""
    parent, chosen, values = read(name)
    options = _choices(name)
    inherited = _choices(parent) if parent else {}
    for axis in axes():
        if axis not in values:
            continue
        offered = options[axis]
        before = inherited.get(axis, [])
        for option in offered if isinstance(offered, list) else [offered]:
            own = plain(option)
            if not option.endswith(f"{TUNED}{name.replace('/', '_')}"):
                continue
            # An option that the recipe does not choose anew keeps what the recipe beneath has tuned.
            known = before if isinstance(before, list) else [before]
            base = own if axis in chosen else next((each for each in known if plain(each) == own), own)
            yield axis, option, base, {own: values[axis][own]} if isinstance(offered, list) else values[axis]
