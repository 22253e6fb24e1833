"""Runs made by hand, a report.json and, where it is asked for, a config.yaml; and rows of a table over them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from temper.comparison.methods import find_baseline, group, name_methods
from temper.comparison.runs import find
from temper.comparison.table import Row, rows

Made = Callable[..., Path]
SGD = {"_target_": "temper.optimizer.sgd.SGD", "lr": 0.1, "weight_decay": 0.0}
ADAM = {"_target_": "temper.optimizer.adam.Adam", "lr": 0.001, "beta1": 0.9}
DIGITS = {"_target_": "temper.data.digits.Digits", "validation": 0.2, "label_noise": None, "root": "a"}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Return a function that writes a run's folder, by default a finished one of sgd on digits."""

    def write(
        name: str,
        digest: str = "sgd",
        seed: int = 0,
        accuracy: float | None = 0.9,
        *,
        state: str = "finished",
        metric: str = "accuracy",
        choices: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        **other: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        report = {
            "command": "python train.py",
            "state": state,
            "digest": digest,
            "commit": "abcdef0123456789+dirty",
            "device": "this CPU",
            "choices": {"data": "digits", "optimizer": "sgd", "augmentation": [], "debug": "none"} | (choices or {}),
            "metrics": {f"test/{metric}": accuracy, f"val/{metric}": 0.5, "test/loss": None},
            "score": {"metric": f"val/{metric}", "value": 0.5, "better": "max"},
            "speed": {"examples_per_second": 10.0, "seconds_to_target": None},
            "cost": {"training_multiply_adds": 6000, "seconds": 60.0 + seed},
            "generalisation": {"test": accuracy, "gap": 0.01},
            "complexity": {"parameters": 100, "bytes": 2048},
            "seed": seed,
        }
        (folder / "report.json").write_text(json.dumps(report | other))
        if config is not None:
            whole = {"data": DIGITS, "optimizer": SGD, "augmentation": {}, "epochs": 3, "seed": seed} | config
            OmegaConf.save(OmegaConf.create(whole), folder / "config.yaml")
        return folder

    return write


def compared(folders: list[Path], metric: str | None = None, baseline: str | None = None) -> list[Row]:
    methods, _ = group(find(folders)[0])
    base = find_baseline(baseline, methods)
    name_methods(methods, base)
    return rows(methods, base, metric)


def four(made: Made) -> list[Path]:
    return [
        *(made(f"sgd_{seed}", "sgd", seed, 0.90 + seed / 100) for seed in range(3)),
        *(made(f"adam_{seed}", "adam", seed, 0.93 + seed / 50, choices={"optimizer": "adam"}) for seed in range(3)),
        *(made(f"nag_{seed}", "nag", seed, 0.9 + seed * 0.03, choices={"optimizer": "nesterov"}) for seed in range(2)),
        made("alone", "alone", 0, 0.99, choices={"optimizer": "adamw"}),
    ]
