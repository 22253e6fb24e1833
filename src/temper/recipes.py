"""The files under recipes/, offered to Hydra as the config group ``recipe``.

A recipe's values for an option are offered as an option of their own: ``optimizer/momentum__baseline_cifar10_resnet20``
is momentum.yaml with the recipe's values on top, and that is what the recipe chooses. Another option on the command
line takes the recipe's values away with it: Hydra alone would merge a rate tuned for SGD into Adam without a word.

Some options hold another, such as the base of ``optimizer=sam``. That is a slot: it is chosen as an axis is, by a key
such as ``optimizer@optimizer.base``, and tuned as an axis is.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from temper.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]
CONF, RECIPES = ROOT / "conf", ROOT / "recipes"
TUNED = "__"  # between an option's name and the recipe that tuned it
OF_SWEEPS = ("search", "launcher")  # groups that a sweep chooses from, and none of its trials
NO_AXES = ("recipe", *OF_SWEEPS)  # groups of which a run's configuration holds nothing

Chosen = str | list[str]


def axes() -> dict[str, Chosen]:
    """Return the default choice of each axis, in order; that of an axis which takes several options is a list."""
    return dict(_defaults())


@cache
def _defaults() -> dict[str, Chosen]:
    found: dict[str, Chosen] = {}
    for entry in _load(CONF / "config.yaml")["defaults"]:
        if isinstance(entry, dict):
            (axis, option), *_ = entry.items()
            if not axis.startswith("override") and axis not in NO_AXES:
                found[axis] = option
    return found


def names() -> list[str]:
    """Return the names of all recipes, such as ``baseline/digits_mlp``."""
    return [path.relative_to(RECIPES).with_suffix("").as_posix() for path in sorted(RECIPES.rglob("*.yaml"))]


class Offer(NamedTuple):
    """What Hydra finds under a path: a file's content, its defaults list in it, and where in the run it belongs."""

    content: dict[str, Any]
    package: str | None
    recipe: str


def offer(path: str) -> Offer | None:
    """Return what is offered under ``path``, ``recipe/NAME`` or ``AXIS/OPTION__RECIPE``; None where nothing is.

    Raises:
        Refusal: the recipe's file says what no recipe may.
    """
    group, _, option = path.rpartition("/")
    if group == "recipe" or group.startswith("recipe/"):
        found = path.removeprefix("recipe/") if (RECIPES / f"{path.removeprefix('recipe/')}.yaml").is_file() else None
    else:
        _, mark, suffix = option.partition(TUNED)
        found = _of_suffix(mark + suffix) if mark else None
    return _offers(found).get(path) if found else None


@cache
def _offers(name: str) -> dict[str, Offer]:
    """Return the recipe ``name`` itself and the options that it has tuned, each under its path."""
    defaults, body = _tune(name)
    found = {f"recipe/{name}": Offer({"defaults": [*defaults, "_self_"], **body}, "_global_", name)}
    for axis, option, beneath, values in _tuned_options(name):
        # A task's file is of the package _global_, as it chooses options of other axes too.
        body, package = ({"task": values}, "_global_") if axis == "task" else (values, None)
        found[f"{axis}/{option}"] = Offer({"defaults": [*beneath, "_self_"], **body}, package, name)
    return found


def plain(option: str) -> str:
    """Return the option's own name, without the recipe that tuned it."""
    return option.split(TUNED)[0]


def option_of(node: Mapping[str, Any]) -> str:
    """Return the option that ``node`` of a configuration was made from: the place of its record says so."""
    return str(node["_target_"]).split(".")[-2]


@cache
def slots(axis: str, option: str) -> dict[str, str]:
    """Return the fields of ``option`` that hold another of ``axis``, each with the one it holds by default."""
    path, mark, found = CONF / axis / f"{option}.yaml", f"/{axis}@", {}
    for entry in _load(path).get("defaults", []) if path.exists() else []:
        if isinstance(entry, dict):
            ((key, default),) = entry.items()
            if key.startswith(mark):
                found[key.removeprefix(mark)] = default
    return found


def filled(axis: str, option: str) -> dict[str, Any]:
    """Return what the file of ``option`` says, each slot filled by its default."""
    values = _load(CONF / axis / f"{option}.yaml")
    values.pop("defaults", None)
    return values | {field: filled(axis, held) for field, held in slots(axis, option).items()}


def slot_key(axis: str, place: str) -> str:
    """Return the key that chooses what is held at ``place``, such as ``optimizer.base``."""
    return axis if place == axis else f"{axis}@{place}"


def places(axis: str, choices: Mapping[str, Any], place: str | None = None) -> Iterator[str]:
    """Yield ``axis`` and the place of every slot beneath it, filled as ``choices`` say or by default."""
    place = place or axis
    yield place
    option = choices.get(slot_key(axis, place)) or _default(axis, place, choices)
    if isinstance(option, str):
        for field in slots(axis, plain(option)):
            yield from places(axis, choices, f"{place}.{field}")


def _default(axis: str, place: str, choices: Mapping[str, Any]) -> str:
    above, _, field = place.rpartition(".")
    option = choices.get(slot_key(axis, above)) or _default(axis, above, choices)
    return slots(axis, plain(option))[field]


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
    """Return the option of each axis and slot under recipe ``name``, tuned ones by the names they are offered under."""
    parent, chosen, values = read(name)
    inherited = _choices(parent) if parent else axes()
    task = chosen.get("task")
    chosen = {**(_task_choices(task) if isinstance(task, str) else {}), **chosen}
    options, suffix = {key: option for key, option in inherited.items() if "@" not in key} | chosen, _suffix(name)
    for axis, option in axes().items():
        if isinstance(option, list):
            several = options[axis] if isinstance(options[axis], list) else [str(options[axis])]
            own = values.get(axis, {})
            unknown = set(own) - {plain(each) for each in several}
            if unknown:
                raise Refusal(f"recipes/{name}.yaml: {axis} has values for {sorted(unknown)}, which it does not choose")
            options[axis] = [plain(each) + suffix if plain(each) in own else each for each in several]
            continue
        options = _kept_slots(axis, inherited, chosen) | options
        held = list(places(axis, options))
        astray = {key for key in chosen if key.startswith(f"{axis}@")} - {slot_key(axis, place) for place in held}
        if astray:
            raise Refusal(f"recipes/{name}.yaml: {axis}={plain(str(options[axis]))} has no place for {min(astray)}")
        for place in held[1:]:
            options.setdefault(slot_key(axis, place), _default(axis, place, options))
        for place in reversed(held):  # whatever holds a tuned option, or one that is chosen anew, is tuned itself
            key = slot_key(axis, place)
            fields = slots(axis, plain(str(options[key])))
            beneath = [slot_key(axis, f"{place}.{field}") for field in fields]
            touched = any(each in chosen or str(options[each]).endswith(suffix) for each in beneath)
            if touched or _values_at(values, place, fields):
                options[key] = plain(str(options[key])) + suffix
    return options


def _kept_slots(axis: str, inherited: Mapping[str, Chosen], chosen: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """Return what fills the slots in the recipe beneath, but for those within an option that is chosen anew."""
    anew = [key.rpartition("@")[2] for key in chosen]
    return {
        key: option
        for key, option in inherited.items()
        if key.startswith(f"{axis}@") and not any(f"{key.rpartition('@')[2]}.".startswith(f"{at}.") for at in anew)
    }


@cache  # Hydra asks for each tuned option several times, and to list all recipes takes milliseconds
def _of_suffix(suffix: str) -> str | None:
    return next((name for name in names() if _suffix(name) == suffix), None)


def _suffix(name: str) -> str:
    return f"{TUNED}{name.replace('/', '_')}"


def _values_at(values: Mapping[str, Any], place: str, fields: Iterable[str]) -> dict[str, Any]:
    """Return the values at ``place``, without those of its slots."""
    node: Any = values
    for word in place.split("."):
        node = node.get(word, {})
    return {key: value for key, value in node.items() if key not in fields}


def _tune(name: str) -> tuple[list[Any], dict[str, Any]]:
    """Return recipe ``name`` for Hydra: its defaults with tuned options chosen, and the values of no axis."""
    parent, chosen, values = read(name)
    options = _choices(name)
    touched = {key.partition("@")[0] for key in chosen} | set(values)
    defaults: list[Any] = [f"/recipe/{parent}"] if parent else []
    defaults += [{f"override /{axis}": options[axis]} for axis in axes() if axis in touched]
    body = {key: value for key, value in values.items() if key not in axes()}
    return defaults, body


def _tuned_options(name: str) -> Iterator[tuple[str, str, list[Any], dict[str, Any]]]:
    """Yield axis, offered name, what it is composed of, and the values on top, of each option that ``name`` tunes."""
    parent, chosen, values = read(name)
    options, suffix = _choices(name), _suffix(name)
    inherited = _choices(parent) if parent else {}
    for axis in axes():
        offered = options[axis]
        if isinstance(offered, list):
            before = inherited.get(axis, [])
            for option in offered:
                if option.endswith(suffix):
                    own = plain(option)
                    # An option that the recipe does not choose anew keeps what the recipe beneath has tuned.
                    kept = next((each for each in before if plain(each) == own), own)
                    yield axis, option, [own if axis in chosen else kept], {own: values[axis][own]}
            continue
        for place in places(axis, options):
            option = str(options[slot_key(axis, place)])
            if not option.endswith(suffix):
                continue
            own, fields = plain(option), slots(axis, plain(option))
            kept = str(inherited.get(slot_key(axis, place), own))
            beneath = kept if not _anew(axis, place, chosen) and plain(kept) == own else own
            held = [{f"override /{axis}@{field}": options[slot_key(axis, f"{place}.{field}")]} for field in fields]
            yield axis, option, [beneath, *held], _values_at(values, place, fields)


def _anew(axis: str, place: str, chosen: Mapping[str, Chosen]) -> bool:
    words = place.split(".")
    return any(slot_key(axis, ".".join(words[:depth])) in chosen for depth in range(1, len(words) + 1))
