"""docs/combinations.md: what does not go together, pair by pair, with the reason and the way out.

Which pairs are legal is found by search: a refusal names the keys that clash, so a legal run with the pair differs from
the refused one in the option of one of these axes. Where they are the pair's own, no run can hold it.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from temper.command.command_line import options
from temper.comparison.table import markdown
from temper.cookbook.standing import compose_recipe
from temper.experiment import LIST_AXES, make, parse
from temper.recipes import ROOT, axes, filled
from temper.refusal import Refusal

PAGE = ROOT / "docs" / "combinations.md"
BASELINE = "baseline/digits_mlp"  # what belongs to no axis is as this recipe has it
DEPTH = 5  # options that a search changes to make a run legal
DEFAULTS = {  # of axes without ``none``: the run that does least
    "data": "digits",
    "initialization": "default",
    "weighting": "fixed",
    "loss": "cross_entropy",
    "optimizer": "sgd",
    "groups": "all",
    "scheduler": "constant",
    "task": "mlp",
    "trainer": "cpu",
}
OWN_DATA = ("table", "image_folder")  # what goes with these, their files decide
SWITCHES = {  # keys that are no axes, and what is tried of each: first what it is where nobody asks
    "clip.kind": ("none", "norm", "value", "adaptive"),
    "precision": ("32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"),
    "accumulate": (1, 2),
    "compile": (False, True),
    "channels_last": (False, True),
    "activation_checkpointing": (None, "blocks"),
    "gradient_norm": (None, "whole", "layers"),
    "test_time_augmentation": (None, "mirror", "mirror_and_shift"),
}

Row = tuple[str, ...]  # an option of each axis
Choice = tuple[str, str]  # an axis and its option
Pair = tuple[Choice, Choice]


class Pairs:
    """Sorts pairs of options into those that some run holds and those that none does.

    Args:
        options: of each axis, in order.
        default: the run that does least, in which a pair is tried first.
        fault: returns what a run is refused with; None where it is legal.
    """

    def __init__(self, options: Mapping[str, Sequence[str]], default: Row, fault: Callable[[Row], str | None]) -> None:
        self.axes, self.options, self.default, self._fault = tuple(options), options, default, fault
        self._refusals: dict[frozenset[Choice], str] = {}

    def put(self, row: Row, *choices: Choice) -> Row:
        """Return ``row`` with ``choices`` in it."""
        chosen = dict(zip(self.axes, row, strict=True)) | dict(choices)
        return tuple(chosen[axis] for axis in self.axes)

    def named(self, message: str) -> set[str]:
        """Return the axes whose keys ``message`` names."""
        return set(re.findall(r"\b([a-z_]+)[=.:]", message)) & set(self.axes)

    def fault(self, row: Row) -> str | None:
        """Return what ``row`` is refused with, from memory where a known refusal fits it.

        A refusal holds for every run with the same options of the axes that it names.
        """
        held = set(zip(self.axes, row, strict=True))
        for choices, known in self._refusals.items():
            if choices <= held:
                return known
        message = self._fault(row)
        if message is not None:
            chosen = dict(zip(self.axes, row, strict=True))
            named = self.named(message)
            if len(named) > 1:
                self._refusals[frozenset((axis, chosen[axis]) for axis in named)] = message
        return message

    def legal(self, pair: Pair) -> tuple[Row | None, list[str]]:
        """Return a legal row with ``pair``, or None and the refusals in the way, those of the pair alone first."""
        fixed, start = {axis for axis, _ in pair}, self.put(self.default, *pair)
        level, seen, met, decisive = [start], {start}, [], []
        for _ in range(DEPTH):
            following: list[Row] = []
            for row in level:
                message = self.fault(row)
                if message is None:
                    return row, []
                met.append(message)
                free = self.named(message) - fixed
                if not free:
                    decisive.append(message)
                for axis in sorted(free):
                    for option in self.options[axis]:
                        other = self.put(row, (axis, option))
                        if other not in seen:
                            seen.add(other)
                            following.append(other)
            level = following
        return None, decisive + met

    def all(self) -> Iterator[Pair]:
        """Yield every pair of options of two axes."""
        for one, other in itertools.combinations(self.axes, 2):
            for a, b in itertools.product(self.options[one], self.options[other]):
                yield (one, a), (other, b)

    def sorted_out(self) -> tuple[dict[Pair, Row], dict[Pair, list[str]]]:
        """Return a legal row for each pair that has one, and what each other pair is refused with."""
        legal, refused = {}, {}
        for pair in self.all():
            row, messages = self.legal(pair)
            if row is None:
                refused[pair] = messages
            else:
                legal[pair] = row
        return legal, refused


def page() -> str:
    """Return docs/combinations.md."""
    known = _options()
    pairs = Pairs(known, _default(known), _fault)
    legal, refused = pairs.sorted_out()
    reasons = {pair: _reason(pairs, pair, found) for pair, found in refused.items()}
    own = sum(reason is not None for reason in reasons.values())
    parts = [
        "# What does not go together",
        "<!-- Written by scripts/list_combinations.py from what runs are refused with: change the rules. -->",
        f"Of {len(legal) + len(refused):,} pairs of options of two axes, {len(legal):,} go together in some run"
        " (`tests/test_pairs.py` trains those of methods). No run that was tried holds one of the other"
        f" {len(refused)}: {own} are refused for a reason of their own, in the words of the run that was tried, which"
        f" has digits, `task=mlp` and what is plainest where the pair says nothing else; {len(refused) - own} because"
        " what the one asks for the other does not go with, as crops, which are of images, and a loss of regressions,"
        " which here are of tables. Options are as their files have them; where a knob makes a way, the reason names"
        " it.",
        "Not tried are `data=table` and `data=image_folder`, whose files decide (a folder of two classes takes losses"
        " that no data set of images here does), `trainer=auto` and `gpu`, which stand for others here, `logger` and"
        " `debug`. What a machine lacks is looked at besides: `precision=16-mixed` needs a GPU.",
    ]
    for axis in pairs.axes:
        rows = list(_rows(axis, reasons))
        told = markdown([_key(axis), "does not go with", "why, and the way out"], rows)
        parts += [f"## {_key(axis)}", told if rows else "Every option goes with all others."]
    return "\n\n".join(parts) + "\n"


def _reason(pairs: Pairs, pair: Pair, found: Sequence[str]) -> str | None:
    """Return the refusal that is the pair's own, which names the keys of both; None where there is none."""
    plainest = _fault(pairs.put(pairs.default, *pair))  # asked anew: what the search remembers may be of other axes
    axes_of_pair = {axis for axis, _ in pair}
    return next((said for said in (plainest or "", *found) if axes_of_pair <= pairs.named(said)), None)


def _rows(axis: str, reasons: Mapping[Pair, str | None]) -> Iterator[list[str]]:
    """Yield a row for each reason that options of ``axis`` are part of, those without one of their own last."""
    alike: dict[tuple[str, str], dict[str, list[str]]] = {}
    for pair in sorted(reasons, key=lambda pair: reasons[pair] is None):
        if axis in dict(pair):
            (_, mine), (other, theirs) = pair if pair[0][0] == axis else pair[::-1]
            alike.setdefault((other, _plain(reasons[pair], pair)), {}).setdefault(mine, []).append(theirs)
    for (other, _), found in alike.items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for mine, all_theirs in found.items():
            groups.setdefault(tuple(all_theirs), []).append(mine)
        for shared, all_mine in groups.items():
            first = (axis, all_mine[0]), (other, shared[0])
            said = reasons.get(first) or reasons.get(first[::-1]) or "what the one asks for the other does not go with"
            yield [_listed(all_mine), f"`{_key(other)}`: {_listed(shared)}", said]


def _plain(reason: str | None, pair: Pair) -> str:
    """Return what refusals for the same reason have in common: ``reason`` without the names of the pair's options."""
    text = reason or ""
    for axis, option in pair:
        name = re.escape(option)
        text = re.sub(rf"\b{axis}={name}\b|\b{name}\b(?=:? (?:is for|goes by|gives|out)\b)", axis, text)
    return text


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _key(axis: str) -> str:
    return next((key for key in SWITCHES if _axis(key) == axis), axis)


def _axis(key: str) -> str:
    return key.partition(".")[0]


@cache
def _options() -> dict[str, tuple[str, ...]]:
    found = {
        axis: tuple(option for option in options(axis) if not (axis == "data" and option in OWN_DATA))
        for axis in axes()
        if axis not in ("trainer", "logger", "debug")
    }
    found["trainer"] = ("cpu", "ddp", "fsdp")
    return found | {_axis(key): tuple(_word(value) for value in values) for key, values in SWITCHES.items()}


def _default(known: Mapping[str, Sequence[str]]) -> Row:
    first = {_axis(key): _word(values[0]) for key, values in SWITCHES.items()}
    return tuple(first.get(axis) or DEFAULTS.get(axis, "none") for axis in known)


def _word(value: Any) -> str:
    return str(value).lower() if value is not None else "null"


def _fault(row: Row) -> str | None:
    known = _options()
    chosen = dict(zip(known, row, strict=True))
    try:
        parse(_rest(chosen["stopping"]) | {axis: _record(axis, option) for axis, option in chosen.items()})
    except Refusal as fault:
        return str(fault)
    return None


@cache
def _rest(stopping: str) -> dict[str, Any]:
    """Return what belongs to no axis that is tried."""
    tried, composed = _options(), compose_recipe(BASELINE)
    config = {key: make(value, key) for key, value in composed.items() if key not in tried or key == "clip"}
    return config | {"expect": None} | ({"target": 0.99} if stopping == "target" else {})


@cache
def _record(axis: str, option: str) -> Any:
    """Return what a run's configuration holds of ``axis``; each option is made once, and tried thousands of times."""
    if (key := _key(axis)) in SWITCHES:
        value = next(each for each in SWITCHES[key] if _word(each) == option)
        if key == axis:
            return value
        return replace(_rest("none")[axis], **{key.partition(".")[2]: value})
    node = filled(axis, option)
    if axis == "task":
        node = node["task"]
    elif axis == "distillation" and option != "none":  # a teacher, who need not be there before a run begins
        node = {option: node[option] | {"teacher": "a/run"}}
    elif (axis, option) == ("transfer", "checkpoint"):
        node |= {"run": "a/run"}
    elif (axis, option) == ("transfer", "torchvision"):
        node |= {"weights": "resnet18.pth"}
    return make(node, axis) if node or axis not in LIST_AXES else {}
