"""Every pair of options that some legal run contains is trained for two steps; every other pair is refused."""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from allpairspy import AllPairs
from omegaconf import OmegaConf

from temper.command.command_line import options
from temper.command.job import Job
from temper.experiment import make, parse
from temper.recipes import CONF
from temper.refusal import Refusal
from temper.run import run

Row = tuple[str, ...]

# Axes whose options can clash come first: a row's legality is decided by these alone.
CLASHING = ("task", "data", "loss", "preprocessing", "augmentation", "distillation", "stopping")
# This axis clashes with no other than its partner, which need not multiply the rows that are looked at.
LATE, PARTNER = "sampling", "data"
FREE = (
    "initialization",
    "weighting",
    "penalty",
    "optimizer",
    "groups",
    "scheduler",
    "batch_growth",
    "averaging",
    "pruning",
)
AXES = (*CLASHING, LATE, *FREE)
Partners = dict[str, set[str]]  # of an option of the late axis: the partner's options that it is legal with
EXTRA = {  # what an option needs to be legal at all, and what makes two steps of it quick
    "stopping=target": {"target": 0.99},
    "task=cifar_resnet": {"task": {"depth": 8, "width": 0.25}},
    "task=mlp": {"task": {"hidden": [8]}},
    "data=tanh_threshold": {"data": {"examples": 60}},
    "data=image_folder": {"data": {"root": "my_photos"}},
    "data=table": {"data": {"path": "my_table.csv", "target": "species"}},
}


@cache
def _node(axis: str, option: str) -> dict[str, Any]:
    loaded: Any = OmegaConf.to_container(OmegaConf.load(CONF / axis / f"{option}.yaml"))
    return loaded


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[Row, Path]:
    """Hold the folder of a run for each (task, data, loss, preprocessing) that was asked for as a teacher."""
    return {}


def _config(row: Row, composed: dict[str, Any], teacher: str = "a/run") -> dict[str, Any]:
    config = {key: value for key, value in composed.items() if key not in AXES}
    for axis, option in zip(AXES, row, strict=False):
        config |= {key: value for key, value in EXTRA.get(f"{axis}={option}", {}).items() if key != axis}
        config[axis] = _option_node(axis, option, teacher)
    return config


def _option_node(axis: str, option: str, teacher: str) -> dict[str, Any]:
    node = dict(_node(axis, option))
    node.pop("defaults", None)
    if axis == "task":
        node = node["task"]
    if axis == "distillation" and option != "none":
        return {option: node[option] | {"teacher": teacher}}
    return node | EXTRA.get(f"{axis}={option}", {}).get(axis, {})


@cache
def _record(axis: str, option: str) -> Any:
    return make(_option_node(axis, option, "a/run"), axis)


def _faultless(row: Row, composed: dict[str, Any]) -> str | None:
    """Return None where ``row`` is legal, else what it is refused with."""
    config = _config(row, composed)
    try:
        # Records are made once an option, not once a row, of which there are tens of thousands.
        parse(config | {axis: _record(axis, option) for axis, option in zip(AXES, row, strict=False)})
    except Refusal as fault:
        return str(fault)
    return None


def _pairs(row: Row) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    yield from itertools.combinations(zip(AXES, row, strict=False), 2)  # type: ignore[arg-type]


def test_every_pair(
    composed: Any, small_data: None, tmp_path: Path, teachers: dict[Row, Path], record_property: Any
) -> None:
    base = composed("trainer=cpu", "trainer.threads=1", "debug=steps", "batch_size=20")
    full = _complete(base)
    core = {row: _faultless(row + full, base) for row in itertools.product(*(options(axis) for axis in CLASHING))}
    legal = {row for row, fault in core.items() if fault is None}
    prefixes = {row[:length] for row in legal for length in range(len(CLASHING) + 1)}
    partners = _partners(legal, base)
    array = AllPairs(
        [options(axis) for axis in AXES],
        filter_func=lambda row: tuple(row[: len(CLASHING)]) in prefixes and _suits(row, partners),
    )
    rows = [tuple(row) for row in array]
    legal_pairs = {pair for row in legal for pair in _pairs(row)} | _with_late(legal, partners) | _with_free(legal)
    covered = {pair for row in rows for pair in _pairs(row)}
    rows += _missing(legal_pairs - covered, legal, partners)
    assert {pair for row in rows for pair in _pairs(row)} == legal_pairs

    for number, row in enumerate(rows):
        _train(row, base, tmp_path / str(number), teachers, tmp_path)

    refused = _refused_pairs(core, legal_pairs) | _refused_late_pairs(legal, legal_pairs, base)
    record_property("legal pairs trained", len(legal_pairs))
    record_property("pairs refused", len(refused))
    print(f"{len(rows)} runs trained {len(legal_pairs)} legal pairs; {len(refused)} other pairs are refused")
    assert len(legal_pairs) == 2604
    assert len(refused) == 236


def _complete(base: dict[str, Any]) -> Row:
    first = {"initialization": "default", "scheduler": "constant", "optimizer": "sgd", "groups": "all"}
    return tuple(first.get(axis, "none" if "none" in options(axis) else options(axis)[0]) for axis in (LATE, *FREE))


def _late(row: Row, option: str, base: dict[str, Any]) -> str | None:
    """Return what a legal ``row`` is refused with once the late axis takes ``option``."""
    return _faultless((*row, option, *_complete(base)[1:]), base)


def _partners(legal: set[Row], base: dict[str, Any]) -> Partners:
    example = {row[CLASHING.index(PARTNER)]: row for row in sorted(legal)}
    return {
        option: {name for name, row in example.items() if _late(row, option, base) is None} for option in options(LATE)
    }


def _suits(row: Sequence[str], partners: Partners) -> bool:
    """Return whether the late axis' option in ``row``, where it has come so far, is legal with its partner's."""
    place = AXES.index(LATE)
    return len(row) <= place or row[AXES.index(PARTNER)] in partners[row[place]]


def _with_late(legal: set[Row], partners: Partners) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return {
        ((axis, name), (LATE, option))
        for row in legal
        for option, accepted in partners.items()
        if row[CLASHING.index(PARTNER)] in accepted
        for axis, name in zip(CLASHING, row, strict=True)
    }


def _refused_late_pairs(legal: set[Row], legal_pairs: set[Any], base: dict[str, Any]) -> dict[Any, str]:
    """Return what each pair with an option of the late axis is refused with, in rows that are legal without it."""
    refused = {}
    for position, axis in enumerate(CLASHING):
        example = {row[position]: row for row in sorted(legal)}
        for (name, row), option in itertools.product(example.items(), options(LATE)):
            if ((axis, name), (LATE, option)) not in legal_pairs:
                message = str(_late(row, option, base))
                assert ":" in message, "a refusal names the way out"
                assert f"{LATE}={option}" in message, message
                refused[(axis, name), (LATE, option)] = message
    return refused


def _with_free(legal: set[Row]) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    """Return the pairs in which at least one option is of an axis that clashes with none."""
    possible = {(axis, row[position]) for row in legal for position, axis in enumerate(CLASHING)}
    possible |= {(LATE, option) for option in options(LATE)}
    free = [(axis, option) for axis in FREE for option in options(axis)]
    pairs = {(one, other) for one in possible for other in free}
    return pairs | {(one, other) for one, other in itertools.combinations(free, 2) if one[0] != other[0]}


def _missing(missing: set[Any], legal: set[Row], partners: Partners) -> Iterator[Row]:
    """Yield rows for the pairs that allpairspy left out, as it cannot look ahead of its filter."""
    missing = set(missing)
    while missing:
        wanted = dict(min(missing))
        fitting = [row for row in legal if all(wanted.get(a, o) == o for a, o in zip(CLASHING, row, strict=True))]
        if LATE in wanted:
            fitting = [row for row in fitting if row[CLASHING.index(PARTNER)] in partners[wanted[LATE]]]
        row = max(sorted(fitting), key=lambda row: len(missing.intersection(_pairs(row))))
        for axis in (LATE, *FREE):
            offered = [wanted[axis]] if axis in wanted else options(axis)
            if axis == LATE:
                offered = [option for option in offered if _suits((*row, option), partners)]
            row = max(((*row, option) for option in offered), key=lambda row: len(missing.intersection(_pairs(row))))
        missing -= set(_pairs(row))
        yield row


def _refused_pairs(core: dict[Row, str | None], legal_pairs: set[Any]) -> dict[Any, str]:
    """Return what each pair that no legal run contains is refused with, in a run with no other fault where one is."""
    refused = {}
    for one, other in itertools.combinations(CLASHING, 2):
        for a, b in itertools.product(options(one), options(other)):
            if ((one, a), (other, b)) in legal_pairs:
                continue
            holding = [row for row in core if (row[CLASHING.index(one)], row[CLASHING.index(other)]) == (a, b)]
            clean = [row for row in holding if _one_change_mends(row, one, other, core)] or holding
            for row in clean:
                message = core[row]
                assert message is not None
                assert ":" in message, "a refusal names the way out"
            named = [core[row] for row in clean if f"{a}" in str(core[row]) or f"{b}" in str(core[row])]
            assert named, f"no refusal of {one}={a} with {other}={b} names either: {core[clean[0]]}"
            refused[(one, a), (other, b)] = str(named[0])
    return refused


def _one_change_mends(row: Row, one: str, other: str, core: dict[Row, str | None]) -> bool:
    for axis in (one, other):
        position = CLASHING.index(axis)
        if any(core[(*row[:position], option, *row[position + 1 :])] is None for option in options(axis)):
            return True
    return False


def _train(row: Row, base: dict[str, Any], folder: Path, teachers: dict[Row, Path], tmp_path: Path) -> None:
    teacher = "a/run"
    if row[AXES.index("distillation")] != "none":
        key = row[:4]
        if key not in teachers:
            plain = tuple(
                option if axis in CLASHING[:4] else "none" for axis, option in zip(CLASHING, row, strict=False)
            )
            teachers[key] = tmp_path / f"teacher_{len(teachers)}"
            run(_job(_config(plain + _complete(base), base), teachers[key]))
        teacher = str(teachers[key])
    report = run(_job(_config(row, base, teacher), folder))
    assert report.state == "finished"
    assert report.attempts[-1].last_step == 2, row


def _job(config: dict[str, Any], folder: Path) -> Job:
    return Job(experiment=parse(config), config=config, folder=folder)
