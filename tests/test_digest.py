import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from temper.digest import digest, method
from temper.training.folder import may_differ

Compose = Callable[..., dict[str, Any]]
Settings = dict[str, Any]
IMAGES = {"_target_": "temper.data.image_folder.ImageFolder", "root": "photos"}
METHOD = {
    "_target_": "temper.experiment.Experiment",
    "optimizer": {"_target_": "temper.optimizer.sgd.SGD", "lr": 0.1},
    "augmentation": {"crop": {"_target_": "temper.augmentation.crop.Crop", "padding": 4}, "flip": {"_target_": "t.F"}},
    "data": {"_target_": "temper.data.cifar10.CIFAR10", "root": "data/", "validation": 5000},
    "pruning": {"_target_": "temper.pruning.none.NoPruning"},
    "penalty": {},
    "seed": 0,
    "epochs": 3,
    "ckpt": None,
    "expect": {"metric": "test/accuracy", "value": 0.9, "tolerance": 0.01},
}


def test_is_the_hash_of_what_is_left() -> None:
    kept: dict[str, Any] = {key: METHOD[key] for key in ("_target_", "optimizer", "augmentation", "epochs")}
    kept["data"] = {"_target_": "temper.data.cifar10.CIFAR10", "validation": 5000}
    expected = json.dumps([kept, {"augmentation": ["crop", "flip"]}], sort_keys=True)
    assert method(METHOD) == kept
    assert digest(METHOD) == hashlib.sha256(expected.encode()).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        {"new_axis": {"_target_": "temper.new_axis.none.NoSuchThing"}},
        {"new_list_axis": {}},
        {"new_list_axis": []},
        {"expect": None},
        {"target": 0.9},
        {"seed": 7},
        {"trainer": {"_target_": "temper.trainer.gpu.GPU", "devices": 8}},
        {"logger": {"wandb": {"_target_": "temper.logger.wandb.Wandb"}}},
        {"debug": {"_target_": "temper.debug.steps.Steps", "steps": 2}},
        {"hydra": {"run": {"dir": "x"}}},
        {"data": {**METHOD["data"], "root": "/elsewhere"}},  # type: ignore[dict-item]
        {"data": {**METHOD["data"], "label_noise": None}},  # type: ignore[dict-item]
        {"test_time_augmentation": None},
    ],
)
def test_is_left_alone_by(changed: dict[str, Any]) -> None:
    assert digest({**METHOD, **changed}) == digest(METHOD)


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": {"_target_": "temper.optimizer.sgd.SGD", "lr": 0.2}},
        {"optimizer": {"_target_": "temper.optimizer.adam.Adam", "lr": 0.1}},
        {"pruning": {"_target_": "temper.pruning.magnitude.Magnitude"}},
        {"penalty": {"l1": {"_target_": "temper.penalty.l1.L1", "alpha": 1e-5}}},
        {"augmentation": dict(reversed(METHOD["augmentation"].items()))},  # type: ignore[attr-defined]
        {"data": {**METHOD["data"], "validation": 0}},  # type: ignore[dict-item]
        {"epochs": 4},
        {"ckpt": "start.ckpt"},
        {"test_time_augmentation": "mirror"},  # more is measured, and may be promised
    ],
)
def test_is_changed_by(changed: dict[str, Any]) -> None:
    assert digest({**METHOD, **changed}) != digest(METHOD)


@pytest.mark.parametrize(
    ("common", "first", "second", "same"),
    [
        ({"stopping": {"target": {"_target_": "t.T"}}}, {"target": 0.9}, {"target": 0.95}, False),
        ({"stopping": {"patience": {"_target_": "t.P"}}}, {"target": 0.9}, {"target": 0.95}, True),
        ({}, {"checkpoint_seconds": 60.0}, {"checkpoint_seconds": 5.0}, True),
        ({}, {"data": {**IMAGES, "root": "a"}}, {"data": {**IMAGES, "root": "b"}}, False),
        ({}, {"data": {**IMAGES, "root": "a"}}, {"data": {**IMAGES, "root": "./a/"}}, True),
        ({}, {"data": {**IMAGES, "workers": 1}}, {"data": {**IMAGES, "workers": 2}}, True),
    ],
)
def test_tells_methods_apart(common: Settings, first: Settings, second: Settings, same: bool) -> None:
    one, other = ({**METHOD, **common, **each} for each in (first, second))
    assert (digest(one) == digest(other)) is same


def test_key_order_does_not_matter() -> None:
    assert digest(dict(reversed(METHOD.items()))) == digest(METHOD)


def test_of_real_command_lines(composed: Compose) -> None:
    run = digest(composed("task=cifar_resnet"))
    for same in ("seed=3", "data.root=/x", "target=0.9", "trainer=cpu", "logger=[wandb]", "debug=steps", "penalty=[]"):
        assert digest(composed("task=cifar_resnet", same)) == run, same
    for other in (
        "optimizer.lr=0.3",
        "optimizer=nesterov",
        "penalty=[l1]",
        "data.validation=0",
        "precision=bf16-mixed",
    ):
        assert digest(composed("task=cifar_resnet", other)) != run, other
    one, two = (
        digest(composed("task=cifar_resnet", f"augmentation={order}")) for order in ("[crop,flip]", "[flip,crop]")
    )
    assert one != two


def test_whether_data_is_fetched_is_of_the_machine(composed: Compose) -> None:
    one, other = (composed("task=cifar_resnet", f"data.download={word}") for word in ("true", "false"))
    assert digest(one) == digest(other)
    assert method(one)["data"]["download"] is True, "as in digests of before"
    assert may_differ("data.download", one)
