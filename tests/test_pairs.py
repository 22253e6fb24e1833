"""Every pair of options that some legal run contains is trained for two steps; every other pair is refused.

`temper.cookbook.combinations` finds which are which.
"""

import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from temper.command import command_line
from temper.command.job import Job
from temper.cookbook.combinations import DEFAULTS, Choice, Pair, Pairs, Row
from temper.experiment import make, parse
from temper.recipes import CONF, axes
from temper.refusal import Refusal
from temper.run import run
from temper.settings_file import container

options = cache(command_line.options)  # asked for some hundred thousand times
AXES = tuple(axis for axis in axes() if axis not in ("trainer", "logger", "debug"))  # these have tests of their own
BASE = ("trainer=cpu", "trainer.threads=1", "debug=steps", "batch_size=20")
PARTS = 8  # the runs are trained in so many tests, so that several processes can share them
TEACHER = "a/run"
TAUGHT = ("task", "data", "loss", "preprocessing")  # what a teacher, or a source, has in common with its student
EXTRA: dict[str, dict[str, Any]] = {  # what an option needs to be legal at all, and what makes two steps of it quick
    "stopping=target": {"target": 0.99},
    "transfer=torchvision": {"transfer": {"weights": "resnet8.pth"}},
    "averaging=swa": {"averaging": {"start": 0}},
    "optimizer=sgd": {"optimizer": {"lr": 0.001}},  # diabetes' targets are in the hundreds
    "task=cifar_resnet": {"task": {"depth": 8, "width": 0.25}},
    "task=convnet": {"task": {"widths": [8, 8]}},
    "task=mlp": {"task": {"hidden": [8, 4]}},
    "resolution=linear": {"resolution": {"first": 4}},  # the smallest images have 8 pixels
    "resolution=piecewise": {"resolution": {"sides": [4, 8]}},
    "data=tanh_threshold": {"data": {"examples": 60}},
    "data=image_folder": {"data": {"root": "my_photos"}},
    "data=table": {"data": {"path": "my_table.csv", "target": "species"}},
}


@cache
def _composed(*words: str) -> dict[str, Any]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return container(compose("config", [*BASE, *words]))


@cache
def _node(axis: str, option: str) -> Any:
    """Return the option's knobs as its file has them, or as Hydra composes them where the file builds on others."""
    loaded: Any = OmegaConf.to_container(OmegaConf.load(CONF / axis / f"{option}.yaml"))
    if axis == "task":
        return loaded["task"]
    return _composed(f"{axis}={option}")[axis] if "defaults" in loaded else loaded


def _with_extras(axis: str, option: str, teacher: str) -> dict[str, Any]:
    node = _node(axis, option)
    if axis == "distillation" and option != "none":
        return {option: node[option] | {"teacher": teacher}}
    if axis == "transfer" and option == "checkpoint":
        return dict(node) | {"run": teacher}
    return dict(node) | EXTRA.get(f"{axis}={option}", {}).get(axis, {})


def _rest(row: Row) -> dict[str, Any]:
    """Return what belongs to no axis."""
    config = {key: value for key, value in _composed().items() if key not in AXES}
    for choice in map("=".join, zip(AXES, row, strict=True)):
        config |= {key: value for key, value in EXTRA.get(choice, {}).items() if key not in AXES}
    return config


def _config(row: Row, teacher: str = TEACHER) -> dict[str, Any]:
    return _rest(row) | {axis: _with_extras(axis, option, teacher) for axis, option in zip(AXES, row, strict=True)}


@cache
def _record(axis: str, option: str) -> Any:
    return make(_with_extras(axis, option, TEACHER), axis)


@cache
def _fault(row: Row) -> str | None:
    """Return None where ``row`` is legal, else what it is refused with."""
    # Records are made once an option, not once a row, of which there are tens of thousands.
    records = {axis: _record(axis, option) for axis, option in zip(AXES, row, strict=True)}
    try:
        parse(_rest(row) | records)
    except Refusal as fault:
        return str(fault)
    return None


@cache
def _default() -> Row:
    """Return the run that does least."""
    return tuple(DEFAULTS.get(axis, "none") for axis in AXES)


PAIRS = Pairs({axis: options(axis) for axis in AXES}, _default(), _fault)


def _pairs(row: Row) -> Iterator[Pair]:
    yield from itertools.combinations(zip(AXES, row, strict=True), 2)  # type: ignore[arg-type]


@cache
def _sorted_out() -> tuple[dict[Pair, Row], dict[Pair, list[str]]]:
    """Return a legal row for each pair that has one, and what each other pair is refused with."""
    return PAIRS.sorted_out()


@cache
def _rows() -> tuple[Row, ...]:
    """Return legal rows that hold every legal pair: each takes a pair that is left, then whatever adds most."""
    legal, _ = _sorted_out()
    left, rows = set(legal), []
    by_choice: dict[Choice, set[Pair]] = {}
    for pair in legal:
        for choice in pair:
            by_choice.setdefault(choice, set()).add(pair)
    while left:
        pair = min(left)
        row, fixed = legal[pair], {axis for axis, _ in pair}
        for axis in AXES:
            if axis in fixed:
                continue
            gains = {}
            for option in options(axis):
                other = PAIRS.put(row, (axis, option))
                gains[option] = len(left.intersection(_pairs(other)) & by_choice.get((axis, option), set()))
            kept = dict(zip(AXES, row, strict=True))[axis]
            for option in sorted(gains, key=lambda option: (-gains[option], option)):
                if gains[option] <= gains[kept] or option == kept:
                    break
                if _fault(PAIRS.put(row, (axis, option))) is None:
                    row = PAIRS.put(row, (axis, option))
                    break
        left -= set(_pairs(row))
        rows.append(row)
    return tuple(rows)


def test_every_pair_is_legal_or_refused(small_data: None) -> None:
    legal, refused = _sorted_out()
    for pair, messages in refused.items():
        (one, a), (other, b) = pair
        assert all(":" in message for message in messages), "a refusal names the way out"
        assert any(a in message or b in message for message in messages), (
            f"no refusal of {one}={a} with {other}={b} names either: {messages[0]}"
        )
    assert {pair for row in _rows() for pair in _pairs(row)} == set(legal)
    print(f"{len(_rows())} runs hold {len(legal)} legal pairs; {len(refused)} other pairs are refused")
    assert len(legal) == 9711
    assert len(refused) == 545


@pytest.mark.parametrize("part", range(PARTS))
def test_every_legal_pair_is_trained(part: int, small_data: None, tmp_path: Path) -> None:
    teachers: dict[Row, Path] = {}
    for number, row in enumerate(_rows()[part::PARTS]):
        _train(row, tmp_path / str(number), teachers, tmp_path)


def _train(row: Row, folder: Path, teachers: dict[Row, Path], tmp_path: Path) -> None:
    teacher, chosen = TEACHER, dict(zip(AXES, row, strict=True))
    if chosen["distillation"] != "none" or chosen["transfer"] == "checkpoint":
        key = tuple(chosen[axis] for axis in TAUGHT)
        if key not in teachers:
            teachers[key] = tmp_path / f"teacher_{len(teachers)}"
            run(
                _job(
                    _config(PAIRS.put(_default(), *((axis, chosen[axis]) for axis in TAUGHT))),
                    teachers[key],
                )
            )
        teacher = str(teachers[key])
    report = run(_job(_config(row, teacher), folder))
    assert report.state == "finished"
    assert report.attempts[-1].last_step == 2, row


def _job(config: dict[str, Any], folder: Path) -> Job:
    return Job(experiment=parse(config), config=config, folder=folder)
