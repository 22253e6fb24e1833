"""What an option holds, such as the base of sam, is chosen and tuned as an axis is."""

from collections.abc import Callable
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from tests.test_recipes import own_values

from temper import recipes
from temper.command import command_line
from temper.command.job import job
from temper.recipes import CONF
from temper.refusal import Refusal

Compose = Callable[..., dict[str, Any]]
Kitchen = Callable[[str, str], None]
SHARP = (
    "defaults:\n  - override /optimizer: sam\n  - override /optimizer@optimizer.base: adam\n  - _self_\n"
    "optimizer:\n  rho: 0.5\n  base:\n    lr: 0.5\n"
)
BASE = "optimizer@optimizer.base"


def sam(rho: float, base: str, **tuned: float) -> dict[str, Any]:
    return {**own_values("optimizer", "sam"), "rho": rho, "base": {**own_values("optimizer", base), **tuned}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), sam(0.5, "adam", lr=0.5)),
        ((f"{BASE}=sgd",), sam(0.5, "sgd")),
        ((f"{BASE}=adam",), sam(0.5, "adam")),
        ((f"{BASE}=adam__example_sharp",), sam(0.5, "adam", lr=0.5)),
        (("optimizer=sam",), sam(0.05, "momentum")),
        (("optimizer=sam", f"{BASE}=adam"), sam(0.05, "adam")),
        (("optimizer=sam__example_sharp",), sam(0.5, "adam", lr=0.5)),
        (("optimizer=adam",), own_values("optimizer", "adam")),
        (
            ("optimizer=lookahead", f"{BASE}=sam", f"{BASE}.base=adam", "optimizer.base.base.lr=0.25"),
            {**own_values("optimizer", "lookahead"), "base": sam(0.05, "adam", lr=0.25)},
        ),
    ],
    ids=str,
)
def test_what_a_recipe_tunes_of_a_slot_does_not_leak(
    words: tuple[str, ...], expected: dict[str, Any], kitchen: Kitchen, composed: Compose
) -> None:
    kitchen("example/sharp", SHARP)
    kitchen("example/above", "defaults:\n  - /recipe/example/sharp\n  - _self_\nepochs: 7\n")
    for recipe in ("example/sharp", "example/above"):
        assert composed(f"recipe={recipe}", *words)["optimizer"] == expected


ON_SHARP = "defaults:\n  - /recipe/example/sharp\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{ON_SHARP}  - _self_\noptimizer:\n  rho: 0.25\n", sam(0.25, "adam", lr=0.5)),
        (f"{ON_SHARP}  - _self_\noptimizer:\n  base:\n    beta1: 0.5\n", sam(0.5, "adam", lr=0.5, beta1=0.5)),
        (f"{ON_SHARP}  - override /{BASE}: sgd\n  - _self_\n", sam(0.5, "sgd")),
        (f"{ON_SHARP}  - override /{BASE}: adam\n  - _self_\n", sam(0.5, "adam")),
        (
            f"{ON_SHARP}  - override /{BASE}: sgd\n  - _self_\noptimizer:\n  rho: 0.25\n  base:\n    lr: 0.25\n",
            sam(0.25, "sgd", lr=0.25),
        ),
        (f"{ON_SHARP}  - override /optimizer: sam\n  - _self_\noptimizer:\n  rho: 0.25\n", sam(0.25, "momentum")),
        (
            f"{ON_SHARP}  - override /optimizer: lookahead\n  - override /{BASE}: sam\n"
            f"  - override /{BASE}.base: sgd\n  - _self_\noptimizer:\n  base:\n    base:\n      lr: 0.25\n",
            {**own_values("optimizer", "lookahead"), "base": sam(0.05, "sgd", lr=0.25)},
        ),
        (f"{ON_SHARP}  - override /optimizer: sgd\n  - _self_\n", own_values("optimizer", "sgd")),
    ],
    ids=range(8),
)
def test_a_recipe_on_a_recipe_changes_what_it_names_of_a_slot_only(
    body: str, expected: dict[str, Any], kitchen: Kitchen, composed: Compose
) -> None:
    kitchen("example/sharp", SHARP)
    kitchen("example/above", body)
    kitchen("example/top", "defaults:\n  - /recipe/example/above\n  - _self_\n")
    for recipe in ("example/above", "example/top"):
        assert composed(f"recipe={recipe}")["optimizer"] == expected
        assert composed(f"recipe={recipe}", "optimizer=adam")["optimizer"] == own_values("optimizer", "adam")


def test_what_is_said_of_a_slot(kitchen: Kitchen) -> None:
    kitchen("example/sharp", SHARP)
    assert recipes.tuned_axes("example/sharp") == {"optimizer": ["sam"], BASE: ["adam"]}
    words = ["recipe=example/sharp", f"{BASE}=sgd"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", [*words, "hydra.runtime.output_dir=/run"], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        asked = job(config, words)
    assert (asked.choices["optimizer"], asked.choices[BASE]) == ("sam", "sgd")
    assert (asked.tuned["optimizer"], asked.tuned[BASE]) == (True, False)
    assert not asked.comparable
    assert asked.notes[0] == (
        f"{BASE}=sgd takes its own file's values; what recipe=example/sharp tuned of adam is left out"
    )


def test_a_recipe_that_fills_no_slot_is_refused(kitchen: Kitchen) -> None:
    kitchen("example/astray", f"defaults:\n  - override /optimizer: adam\n  - override /{BASE}: sgd\n  - _self_\n")
    with pytest.raises(Refusal, match=f"optimizer=adam has no place for {BASE}"):
        command_line.check(["recipe=example/astray"])


def test_slots_are_found_in_files() -> None:
    assert {option: recipes.slots("optimizer", option) for option in command_line.options("optimizer")} == {
        **{option: {} for option in command_line.options("optimizer")},
        "sam": {"base": "momentum"},
        "lookahead": {"base": "momentum"},
        "muon": {"rest": "adamw"},
    }
