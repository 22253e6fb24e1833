from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from temper import recipes
from temper.command import command_line, sweep
from temper.cookbook.card import settings
from temper.cookbook.standing import compose_recipe
from temper.experiment import LIST_AXES, parse
from temper.recipes import CONF, axes
from temper.training.folder import differences

Compose = Callable[..., dict[str, Any]]
Kitchen = Callable[[str, str], None]
RECIPES = {
    "augmentation": 11,
    "averaging": 2,
    "baseline": 19,
    "batch_growth": 1,
    "distillation": 7,
    "example": 20,
    "groups": 1,
    "initialization": 8,
    "layer_freezing": 1,
    "loss": 10,
    "low_rank": 2,
    "optimizer": 27,
    "penalty": 3,
    "pipeline": 3,
    "preprocessing": 6,
    "privacy": 1,
    "pruning": 6,
    "quantization": 5,
    "resolution": 1,
    "sampling": 7,
    "scheduler": 14,
    "stopping": 2,
    "task": 3,
    "transfer": 1,
    "weighting": 4,
}
NAMES = recipes.names()
FOREIGN = {"trainer", "logger", "debug", "hydra", "seed", "ckpt"}


def test_how_many_there_are() -> None:
    found = Counter(name.partition("/")[0] for name in NAMES)
    assert found == RECIPES, "a recipe came or went: set its folder's number in RECIPES of tests/test_recipes.py"


@pytest.mark.parametrize("name", NAMES)
def test_composes_and_parses(name: str) -> None:
    assert parse(compose_recipe(name)).epochs > 0


@pytest.mark.parametrize("name", NAMES)
def test_leaves_the_machine_alone_and_holds_no_interpolation(name: str) -> None:
    _, chosen, values = recipes.read(name)
    assert not FOREIGN & {*chosen, *values}
    assert "${" not in (recipes.RECIPES / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_begins_with_what_it_is_and_where_it_belongs(name: str) -> None:
    assert (recipes.RECIPES / f"{name}.yaml").read_text().startswith("# ")
    assert name.partition("/")[0] in {"baseline", "example", "pipeline", *axes()}


@pytest.mark.parametrize("name", NAMES)
def test_differs_from_its_baseline_where_its_file_says(name: str) -> None:
    assert unsaid(name) == []


def unsaid(name: str) -> list[str]:
    """Return the keys in which a recipe and what it builds on differ without a word, or agree against its word."""
    parent, chosen, _ = recipes.read(name)
    if parent is None:
        return []
    changed = [key for key in differences(compose_recipe(parent), compose_recipe(name)) if not beneath(key, "expect")]
    said = [key.rpartition("@")[2] for key, _ in settings(name)]  # a slot's key ends with its place
    silent = [key for key in changed if not any(beneath(key, word) for word in said)]
    idle = [word for word in said if not any(beneath(key, word) for key in changed)]
    return silent + [
        word
        for word in idle
        if word.partition(".")[0] not in chosen or word in {key.rpartition("@")[2] for key in chosen}
    ]


def beneath(key: str, root: str) -> bool:
    return key == root or key.startswith(f"{root}.")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            "defaults:\n  - /recipe/example/below\n  - override /optimizer: adam\n  - _self_\noptimizer:\n  lr: 0.5\n",
            [],
        ),
        ("defaults:\n  - /recipe/example/below\n  - _self_\noptimizer:\n  lr: 0.3\n", ["optimizer.lr"]),
        ("defaults:\n  - /recipe/example/below\n  - override /optimizer: sgd\n  - _self_\n", []),
        ("defaults:\n  - /recipe/example/below\n  - override /scheduler: constant\n  - _self_\n", ["scheduler"]),
    ],
)
def test_what_goes_without_saying_is_found(body: str, found: list[str], kitchen: Kitchen) -> None:
    kitchen("example/below", "defaults:\n  - override /optimizer: sgd\n  - _self_\noptimizer:\n  lr: 0.3\n")
    kitchen("example/above", body)
    assert unsaid("example/above") == found


# The leak law: what a recipe tunes of an option goes with that option.


def own_values(axis: str, option: str) -> dict[str, Any]:
    """Return what the option's own file gives its axis."""
    values = recipes.filled(axis, option)
    return values["task"] if axis == "task" else values


def tuning(axis: str) -> tuple[str, dict[str, Any]]:
    """Return an option of ``axis`` and values for it that its file does not have, beneath its name in a list axis."""
    for option in command_line.options(axis):
        values = own_values(axis, option)
        if axis in LIST_AXES and not values:
            continue
        knobs = values[option] if axis in LIST_AXES else values
        knob = next((name for name in knobs if name != "_target_"), None)
        if knob is not None:
            changed = {knob: "tuned"}
            return option, {option: changed} if axis in LIST_AXES else changed
    raise AssertionError(f"no option of {axis} has a knob")


def tuned_recipe(axis: str) -> tuple[str, str, dict[str, Any]]:
    option, values = tuning(axis)
    shown = f"[{option}]" if axis in LIST_AXES else option
    body = OmegaConf.to_yaml(OmegaConf.create({axis: values}))
    return option, f"defaults:\n  - override /{axis}: {shown}\n  - _self_\n{body}", values


def merged(axis: str, option: str, values: dict[str, Any]) -> Any:
    return OmegaConf.to_container(OmegaConf.merge(own_values(axis, option), values))


def word(axis: str, option: str) -> str:
    return f"{axis}=[{option}]" if axis in LIST_AXES else f"{axis}={option}"


def trial_words(monkeypatch: pytest.MonkeyPatch, *typed: str) -> list[list[str]]:
    """Return the words of each trial's command line when ``typed`` follow ``-m``, folders and numbers left out."""
    started: list[list[str]] = []

    def run(runner: sweep.Runner, words: list[str], *_: Any) -> int:
        started.append(list(words))
        return 1

    monkeypatch.setattr(sweep.Runner, "run", run)
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", ["hydra.mode=MULTIRUN", "hydra.sweep.dir=/sweep"], return_hydra_config=True)
        ((*batch,),) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(list(typed)), None)
        trials = sweep.Trials(config, GlobalHydra.instance().config_loader())
        with pytest.raises(SystemExit):
            trials.run(batch, 0)
    return started


def test_every_axis_is_walked() -> None:
    assert set(LIST_AXES) < set(axes())
    assert len(axes()) == 26


@pytest.mark.parametrize("axis", axes())
def test_what_a_recipe_tunes_does_not_leak(axis: str, kitchen: Kitchen, composed: Compose) -> None:
    option, text, values = tuned_recipe(axis)
    kitchen("example/tuned", text)
    kitchen("example/above", "defaults:\n  - /recipe/example/tuned\n  - _self_\nepochs: 7\n")
    expected = {option: merged(axis, option, values)}
    others = [other for other in command_line.options(axis) if other != option]
    assert others
    for recipe in ("example/tuned", "example/above"):
        alone = composed(f"recipe={recipe}")
        assert alone[axis] == expected[option] != own_values(axis, option)
        for other in (option, *others[: 3 if recipe == "example/tuned" else 1]):
            assert composed(f"recipe={recipe}", word(axis, other)).get(axis, {}) == own_values(axis, other), other
    assert composed("recipe=example/above")["epochs"] == 7


@pytest.mark.parametrize("axis", ["optimizer", "scheduler", "augmentation", "loss", "pruning"])  # one option, or a list
def test_what_a_recipe_tunes_does_not_leak_in_a_sweep(
    axis: str, kitchen: Kitchen, composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    option, text, values = tuned_recipe(axis)
    kitchen("example/tuned", text)
    kitchen("example/above", "defaults:\n  - /recipe/example/tuned\n  - _self_\nepochs: 7\n")
    expected = {option: merged(axis, option, values)}
    others = [other for other in command_line.options(axis) if other != option]
    swept = f"{axis}={','.join(word(axis, other).partition('=')[2] for other in (option, *others[:1]))}"
    trials = trial_words(monkeypatch, "recipe=example/tuned", swept)
    assert len(trials) == 1 + len(others[:1])
    for other, words in zip((option, *others[:1]), trials, strict=True):
        assert composed(*words).get(axis, {}) == own_values(axis, other), other
    for words in trial_words(monkeypatch, "recipe=example/tuned,example/above"):
        assert composed(*words)[axis] == expected[option]


def test_a_list_keeps_what_is_tuned_of_one_only_without_a_word_on_it(kitchen: Kitchen, composed: Compose) -> None:
    kitchen(
        "example/tuned",
        "defaults:\n  - override /augmentation: [crop, flip]\n  - _self_\naugmentation:\n  crop:\n    padding: 2\n",
    )
    crop, flip, cutout = (own_values("augmentation", name) for name in ("crop", "flip", "cutout"))
    assert composed("recipe=example/tuned")["augmentation"] == {"crop": {**crop["crop"], "padding": 2}, **flip}
    assert composed("recipe=example/tuned", "augmentation=[crop,cutout]")["augmentation"] == {**crop, **cutout}
    assert composed("recipe=example/tuned", "augmentation.crop.padding=3")["augmentation"]["crop"]["padding"] == 3
    assert composed("recipe=example/tuned", "augmentation=[crop]", "augmentation.crop.padding=3")["augmentation"] == {
        "crop": {**crop["crop"], "padding": 3}
    }


def test_a_recipe_on_a_recipe_changes_what_it_names_only(kitchen: Kitchen, composed: Compose) -> None:
    kitchen(
        "example/one", "defaults:\n  - override /optimizer: adam\n  - _self_\noptimizer:\n  lr: 0.5\n  beta1: 0.8\n"
    )
    kitchen("example/two", "defaults:\n  - /recipe/example/one\n  - _self_\noptimizer:\n  lr: 0.25\n")
    kitchen(
        "example/three",
        "defaults:\n  - /recipe/example/one\n  - override /optimizer: sgd\n  - _self_\n"
        "optimizer:\n  weight_decay: 1.0\n",
    )
    adam, sgd = own_values("optimizer", "adam"), own_values("optimizer", "sgd")
    assert composed("recipe=example/two")["optimizer"] == {**adam, "lr": 0.25, "beta1": 0.8}
    assert composed("recipe=example/three")["optimizer"] == {**sgd, "weight_decay": 1.0}
    assert composed("recipe=example/two", "optimizer=sgd")["optimizer"] == sgd


def test_help_lists_recipes_and_no_tuned_option() -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        listed = {group: loader.get_group_options(group) for group in ("recipe/baseline", "optimizer")}
        groups = loader.list_groups("recipe")
    assert groups == sorted({name.partition("/")[0] for name in NAMES})
    assert listed["recipe/baseline"] == [
        name.partition("/")[2] for name in sorted(NAMES) if name.startswith("baseline/")
    ]
    assert listed["optimizer"] == sorted(command_line.options("optimizer"))


def test_another_programs_configuration_holds_no_recipes(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("answer: 42\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert compose("config") == {"answer": 42}
        assert GlobalHydra.instance().config_loader().list_groups("") == ["hydra"]
