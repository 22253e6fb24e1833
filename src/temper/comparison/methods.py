"""Runs grouped by method, and in which words one method differs from another."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from temper.comparison.runs import Run
from temper.digest import CHECKPOINTING, LEFT_OUT, of_the_disk
from temper.recipes import CONF, axes, slot_key
from temper.refusal import Refusal

# Knobs of data that leave the examples of the test set as they are: what differs in them may be compared.
OF_TRAINING = ("download", "drop_last", "label_noise", "imbalance")
RATE = ("optimizer", "lr")


@dataclass(kw_only=True)
class Method:
    """Runs of one digest on one number of processes.

    Attributes:
        runs: those that finished, by seed.
        lost: those that failed or have not finished, by seed, where no other run of the seed has.
        name: in words, relative to the baseline; filled in once that is known.
    """

    digest: str
    runs: dict[int, Run] = field(default_factory=dict)
    lost: dict[int, Run] = field(default_factory=dict)
    name: str = ""

    @property
    def first(self) -> Run:
        """Return one of its runs: what was chosen is the same in all."""
        return next(iter((self.runs or self.lost).values()))

    @property
    def count(self) -> str:
        """Return how many runs finished, ``3 of 5`` where some did not."""
        return f"{len(self.runs)} of {len(self.runs) + len(self.lost)}" if self.lost else str(len(self.runs))

    @property
    def label(self) -> str:
        """Return its name for a picture, with the count of runs where some did not finish."""
        return f"{self.name} ({self.count} finished)" if self.lost else self.name

    def values(self, figure: str) -> list[float]:
        """Return ``figure`` of each seed that has it, in order of seeds."""
        return [run.figures[figure] for _, run in sorted(self.runs.items()) if figure in run.figures]


def group(runs: Sequence[Run]) -> tuple[list[Method], list[str]]:
    """Return the methods in order of appearance, and a line for each run that repeats another's seed.

    Of several processes, times and memory are others, and so may be what a batch says: another method.

    Raises:
        Refusal: the runs were not tested on the same examples.
    """
    _check_data([run for run in runs if run.finished])
    methods: dict[tuple[str, str], Method] = {}
    lines = []
    for run in runs:
        method = methods.setdefault((run.digest, run.machine), Method(digest=run.digest))
        if not run.finished:
            method.lost[run.seed] = run
        elif run.seed in method.runs:
            twin = method.runs[run.seed].folder
            lines.append(f"{run.folder}: left out: it repeats seed {run.seed} of the same method ({twin})")
        else:
            method.runs[run.seed] = run
    for method in methods.values():
        method.lost = {seed: run for seed, run in method.lost.items() if seed not in method.runs}
    return list(methods.values()), lines


def find_baseline(word: str | None, methods: Sequence[Method]) -> Method:
    """Return the method that ``word`` means: a run's folder, a recipe, or choices (``"optimizer=sgd epochs=5"``).

    None: the first of which a run finished.

    Raises:
        Refusal: it means none of ``methods``, several, or one of which no run finished.
    """
    if word is None:
        return next(each for each in methods if each.runs)
    place = Path(word).resolve()
    found = [
        each
        for each in methods
        if any(place in (run.folder, *run.folder.parents) for run in (each.runs | each.lost).values())
    ]
    if not found or not place.is_dir():
        found = [each for each in methods if word in (each.first.choices.get("recipe"), f"recipe={_recipe(each)}")]
    if not found and "=" in word:
        found = [each for each in methods if all(_stands(each.first, part) for part in word.split())]
    if len(found) == 1:
        if not found[0].runs:
            raise Refusal(f"--baseline {word}: none of its {len(found[0].lost)} runs has finished: name another")
        return found[0]
    if not found:
        raise Refusal(
            f"--baseline {word}: none of the runs is of it: name the folder of one that is compared, its recipe, or"
            " choices such as optimizer=sgd"
        )
    folders = ", ".join(str(each.first.folder) for each in found[:4])
    raise Refusal(f"--baseline {word}: {len(found)} methods are of it: name the folder of one: {folders}")


def name_methods(methods: Sequence[Method], baseline: Method) -> None:
    """Give each method a name of its own: what differs from the baseline, in the words of a command line."""
    others = [each for each in methods if each is not baseline]
    for method in others:
        method.name = " ".join(differing(method.first, baseline.first))
    own = sorted({word for method in others for word in differing(baseline.first, method.first)}, key=_place)
    choices = baseline.first.choices
    whole = [f"{axis}={choices[axis]}" for axis in ("task", "data", "optimizer") if axis in choices]
    baseline.name = " ".join(own) or (f"recipe={_recipe(baseline)}" if _recipe(baseline) else " ".join(whole))
    names = [method.name for method in methods]
    for method in methods:
        if names.count(method.name) > 1 or not method.name:  # what differs is in no words that are known here
            method.name = f"{method.name} digest {method.digest[:8]}".strip()


def differing(run: Run, other: Run) -> list[str]:
    """Return what ``run`` has that ``other`` has not: choices, and knobs where they differ from the other's.

    The knobs of an option that the other did not choose are said where they differ from the option's own file, as are
    those of what it holds; the rate of such an optimizer is always said, so that a default that nobody tuned is seen.
    """
    words: list[str] = []
    for axis, default in axes().items():
        if axis in LEFT_OUT:
            continue
        if isinstance(default, list):
            words += _several(run, other, axis)
        else:
            for key in (axis, *(key for key in run.choices if key.startswith(f"{axis}@"))):
                words += _one(run, other, key)
    for key, value in run.config.items():
        if key not in (*axes(), *LEFT_OUT, CHECKPOINTING) and key in other.config:
            words += _knobs(key, value, other.config[key])
    if "target" in (run.config.get("stopping") or {}):  # elsewhere it is a promise
        words += _knobs("target", run.config.get("target"), other.config.get("target"))
    if run.machine != other.machine:
        words.append(run.machine)
    return words


def own_values(axis: str, option: str) -> Mapping[str, Any]:
    """Return what the option's own file gives its knobs; nothing where the file is gone."""
    path = CONF / axis / f"{option}.yaml"
    values = OmegaConf.to_container(OmegaConf.load(path)) if path.exists() else {}
    assert isinstance(values, dict)
    inner = option if isinstance(axes()[axis], list) else "task" if axis == "task" else None
    found = values if inner is None else values.get(inner, {})
    return {str(key): value for key, value in found.items()}


def _several(run: Run, other: Run, axis: str) -> Iterator[str]:
    mine, theirs = run.choices.get(axis, []), other.choices.get(axis, [])  # none from before the axis
    if mine != theirs:
        yield f"{axis}={_shown(mine)}"
    reference = _at(other, axis) or {}
    for option, values in (_at(run, axis) or {}).items():
        known = reference[option] if option in reference else own_values(axis, option)
        yield from _knobs(f"{axis}.{option}", values or {}, known)


def _one(run: Run, other: Run, key: str) -> Iterator[str]:
    """Yield what ``run`` has by ``key``, of an axis or of what an option holds, without what that holds in turn."""
    axis, _, place = key.partition("@")
    place = place or axis
    # An axis says none in the report of a run from before it; what an option holds, where the other holds nothing.
    mine, theirs = run.choices.get(key, "none"), other.choices.get(key, "none")
    if mine != theirs:
        yield f"{key}={_shown(mine)}"
    values, known = _at(run, place) or {}, _at(other, place) or {}
    if mine != theirs or run.choices.get(axis) != other.choices.get(axis):  # another around it is a choice anew
        known = {name: value for name, value in own_values(axis, str(mine)).items() if (axis, name) != RATE}
    held = [name for name in values if slot_key(axis, f"{place}.{name}") in run.choices]
    yield from _knobs(place, {name: value for name, value in values.items() if name not in held}, known)


def _at(run: Run, place: str) -> Any:
    """Return what the run's configuration has at ``place``; None where there is nothing."""
    node: Any = run.config
    for part in place.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def _knobs(key: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, Mapping):
        known = theirs if isinstance(theirs, Mapping) else {}
        for name, value in mine.items():
            if name != "_target_" and not (key == "data" and name in of_the_disk(mine)):
                yield from _knobs(f"{key}.{name}", value, known.get(name))
    elif mine != theirs:
        yield f"{key}={_shown(mine)}"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(_shown(each) for each in value)}]"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _place(word: str) -> tuple[int, bool, str]:
    """Return a key by which words come in the order of axes, a choice before its knobs."""
    place, order = word.partition("=")[0].rpartition("@")[2], list(axes())
    root = place.partition(".")[0]
    return order.index(root) if root in order else len(order), "." in place, place


def _recipe(method: Method) -> str | None:
    recipe = method.first.choices.get("recipe")
    return None if recipe is None else str(recipe)


def _stands(run: Run, word: str) -> bool:
    key, _, value = word.partition("=")
    if key in run.choices:
        return _shown(run.choices[key]) == value
    node = _at(run, key)
    return node is not None and (_shown(node) == value or _same_number(node, value))


def _same_number(known: Any, typed: str) -> bool:
    if isinstance(known, bool) or not isinstance(known, int | float):
        return False
    try:
        return float(typed) == known
    except ValueError:
        return False


def _check_data(runs: Sequence[Run]) -> None:
    first, *others = runs
    for run in others:
        mine, theirs = first.choices.get("data"), run.choices.get("data")
        if mine != theirs:
            raise Refusal(
                f"data={mine} in {first.folder} and data={theirs} in {run.folder}: other examples are another question:"
                " compare runs on the same data"
            )
        if run.metric != first.metric:
            raise Refusal(
                f"{first.folder} is judged by {first.metric} and {run.folder} by {run.metric}: compare runs on the same"
                " question"
            )
        own, other = first.config.get("data") or {}, run.config.get("data") or {}
        spared = (*of_the_disk(own), *OF_TRAINING)
        keys = [key for key in own if key not in spared and key in other and own[key] != other[key]]
        if keys:
            here, there = (f"data.{keys[0]}={_shown(each[keys[0]])}" for each in (own, other))
            raise Refusal(
                f"{here} in {first.folder} and {there} in {run.folder}: they were tested on other examples: compare"
                " runs that agree in it"
            )
        if any(run.contents.get(what, found) != found for what, found in first.contents.items()):
            raise Refusal(
                f"the data of {first.folder} and {run.folder} lie in one place, and were changed between these runs:"
                " they were tested on other examples: compare runs that have learned from the same"
            )
