"""A space and a search of ours in W&B's words, and what its own agent makes of them."""

from collections.abc import Sequence
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from temper.command.command_line import options
from temper.search.space import Space
from temper.tracking.wandb_sweep import FOLDER, METHODS, sweep_config


def made(words: Sequence[str], search: str = "random", **changed: Any) -> dict[str, Any]:
    space = Space.read(OverridesParser.create().parse_overrides(list(words)))
    asked = {
        "search": search, "knobs": {"trials": 12, "factor": 4}, "space": space, "fixed": ["epochs=9"],
        "metric": "val/accuracy", "better": "max", "validations": 2,
    }  # fmt: skip
    return sweep_config(**asked | changed)


@pytest.mark.parametrize(
    ("word", "parameter"),
    [
        ("k=sgd,adam", {"values": ["sgd", "adam"]}),
        ("k=0.1,1e-3,2", {"values": [0.1, 0.001, 2]}),
        ("k=nan,inf", {"values": ["nan", "inf"]}),
        ("k=[64],[32,32]", {"values": ["[64]", "[32,32]"]}),
        ("k=range(1,4)", {"values": [1, 2, 3]}),
        ("k=true,null", {"values": ["True", "null"]}),
        ("k=interval(0,0.5)", {"distribution": "uniform", "min": 0.0, "max": 0.5}),
        ("k=int(interval(2,9))", {"distribution": "int_uniform", "min": 2, "max": 9}),
        ("k=tag(log,interval(0.001,1))", {"distribution": "log_uniform_values", "min": 0.001, "max": 1.0}),
        (
            "k=tag(log,int(interval(8,256)))",
            {"distribution": "q_log_uniform_values", "q": 1, "min": 8, "max": 256},
        ),
    ],
)
def test_what_is_chosen_from(word: str, parameter: dict[str, Any]) -> None:
    found = made([word])["parameters"]
    assert found == {"k": parameter}
    assert {name: type(value) for name, value in found["k"].items()} == {n: type(v) for n, v in parameter.items()}


def test_every_search_has_its_method() -> None:
    assert set(METHODS) == set(options("search"))


def test_whole_runs_are_judged_by_what_their_best_checkpoint_scored() -> None:
    config = made(["k=1,2"], "tpe")
    assert (config["method"], config["run_cap"]) == ("bayes", 12)
    assert config["metric"] == {"name": "final/val/accuracy", "goal": "maximize"}
    assert "early_terminate" not in config
    assert "run_cap" not in made(["k=1,2"], "grid", knobs={})
    assert made(["k=1,2"], metric="val/rmse", better="min")["metric"] == {"name": "final/val/rmse", "goal": "minimize"}


def test_halving_compares_on_the_way() -> None:
    config = made(["k=1,2"], "halving")
    assert config["metric"]["name"] == "val/accuracy"
    assert config["early_terminate"] == {"type": "hyperband", "min_iter": 2, "eta": 4, "strict": True}


def test_an_agent_types_our_words() -> None:
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args  # takes seconds

    config = made(["optimizer=sgd,adam", "optimizer.lr=interval(0.01,1)", "task.hidden=[64],[32,32]"])
    chosen = {"optimizer": "adam", "optimizer.lr": 0.25, "task.hidden": "[32,32]"}
    told = create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    told |= {"env": ["/usr/bin/env"], "interpreter": ["python"], "program": [config["program"]]}
    typed: list[str] = []
    for word in create_sweep_command(config["command"]):
        typed += told[word[2:-1]] if word.startswith("${") else [word]
    assert typed[:4] == ["/usr/bin/env", "python", "train.py", "epochs=9"]
    assert typed[4:] == [FOLDER, "optimizer=adam", "optimizer.lr=0.25", "task.hidden=[32,32]"]
