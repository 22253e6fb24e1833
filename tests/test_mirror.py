"""An option has one name in conf/, src/ and tests/, and its YAML lists exactly its record's fields."""

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from temper.experiment import LIST_AXES, Experiment
from temper.recipes import OF_SWEEPS, axes, filled

ROOT = Path(__file__).resolve().parents[1]
GROUPS = [path.name for path in sorted((ROOT / "conf").iterdir()) if path.is_dir()]
AXES = [group for group in GROUPS if group not in OF_SWEEPS]  # which belong to a sweep, not to a run
OPTIONS = [
    path.relative_to(ROOT / "conf").with_suffix("")
    for axis in GROUPS
    for path in sorted((ROOT / "conf" / axis).glob("*.yaml"))
]


def node_of(option: Path) -> Any:
    loaded = OmegaConf.create(filled(option.parent.name, option.name))
    if option.parent.name in LIST_AXES:
        return loaded[option.name]
    return loaded.task if option.parent.name == "task" else loaded


def empty(option: Path) -> bool:
    return option.parent.name in LIST_AXES and option.name == "none"


def test_finds_what_there_is() -> None:
    assert len(AXES) == 26
    assert len(OPTIONS) >= 60


def test_axes_are_those_of_an_experiment() -> None:
    assert set(AXES) == set(axes())
    assert set(AXES) <= {field.name for field in fields(Experiment)}


@pytest.mark.parametrize("option", [each for each in OPTIONS if not empty(each)], ids=str)
def test_yaml_lists_the_fields_of_its_record(option: Path) -> None:
    node = node_of(option)
    module, _, name = node._target_.rpartition(".")
    assert module == f"temper.{'.'.join(option.parts)}"
    record = getattr(import_module(module), name)
    assert set(node) - {"_target_"} == {field.name for field in fields(record)}
    assert name.lower() == option.name.replace("_", "") or option.name in ("none", "auto")


@pytest.mark.parametrize("option", [each for each in OPTIONS if not empty(each)], ids=str)
def test_has_its_test(option: Path) -> None:
    assert (ROOT / "tests" / option.parent / f"test_{option.name}.py").exists()


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_knob_is_explained(option: Path) -> None:
    text = (ROOT / "conf" / f"{option}.yaml").read_text()
    if empty(option):
        assert "#" in text
        return
    knobs = [key for key in node_of(option) if key != "_target_"]
    lines = text.splitlines()
    for knob in knobs:
        held = f"- /{option.parent.name}@{knob}:"  # a slot, filled by another option
        line = next(index for index, line in enumerate(lines) if line.strip().startswith((f"{knob}:", held)))
        assert "#" in lines[line] or lines[line - 1].strip().startswith("#"), f"{option}: {knob} has no comment"


def test_no_file_is_long() -> None:
    files = [path for place in ("src", "scripts", "tests") for path in sorted((ROOT / place).rglob("*.py"))]
    assert len(files) > 400
    long = [path.relative_to(ROOT) for path in files if len(path.read_text().splitlines()) > 300]
    assert long == []
