from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from temper.comparison.methods import Method, differing, find_baseline, group, name_methods
from temper.comparison.runs import Run, find
from temper.refusal import Refusal

Made = Callable[..., Path]
SGD = {"_target_": "temper.optimizer.sgd.SGD", "lr": 0.1, "weight_decay": 0.0}
ADAM = {"_target_": "temper.optimizer.adam.Adam", "lr": 0.02, "beta1": 0.9}
DIGITS = {"_target_": "temper.data.digits.Digits", "validation": 0.2, "label_noise": None, "root": "a"}


def methods(*folders: Path) -> list[Method]:
    return group(find(folders)[0])[0]


def test_seeds_of_one_digest_are_one_method(made: Made) -> None:
    folders = [made("a", seed=1, accuracy=0.8), made("b", "adam"), made("c", seed=0, accuracy=0.7), made("d", seed=1)]
    found, lines = group(find(folders)[0])
    assert [(each.digest, list(each.runs)) for each in found] == [("sgd", [1, 0]), ("adam", [0])]
    assert found[0].values("test/accuracy") == [0.7, 0.8]  # by seed
    assert lines == [f"{folders[3]}: left out: it repeats seed 1 of the same method ({folders[0]})"]


def test_runs_on_several_processes_are_another_method(made: Made) -> None:
    ddp = {"choices": {"trainer": "ddp"}, "config": {}}
    folders = [
        *(made(f"one_{seed}", seed=seed, choices={"trainer": "cpu"}, config={}) for seed in (1, 2)),
        *(made(f"two_{seed}", seed=seed, processes=2, **ddp) for seed in (1, 2)),
        made("three", seed=1, processes=3, **ddp),
        made("earlier", seed=1, **ddp),  # from before their number was noted
    ]
    found, lines = group(find(folders)[0])
    assert lines == []
    name_methods(found, found[0])
    assert [(each.name, sorted(each.runs)) for each in found] == [
        ("1 process", [1, 2]),
        ("trainer=ddp on 2 processes", [1, 2]),
        ("trainer=ddp on 3 processes", [1]),
        ("trainer=ddp", [1]),
    ]


def test_a_baseline_has_a_run_that_finished(made: Made) -> None:
    dead = {"state": "failed", "metrics": {}, "score": None, "choices": {"optimizer": "adam"}}
    found = methods(made("a", "dead", 0, **dead), made("b", "dead", 1, **dead), made("c"))
    assert find_baseline(None, found).digest == "sgd"
    with pytest.raises(Refusal, match="--baseline optimizer=adam: none of its 2 runs has finished: name another"):
        find_baseline("optimizer=adam", found)
    name_methods(found, found[1])
    assert [each.label for each in found] == ["optimizer=adam (0 of 2 finished)", "optimizer=sgd"]


def test_what_differs_is_said_as_a_command_says_it(made: Made) -> None:
    crop = {"crop": {"_target_": "temper.augmentation.crop.Crop", "padding": 2}}
    sgd, adam, slow, loud = (
        methods(folder)[0].first
        for folder in (
            made("a", config={"checkpoint_seconds": 60}),
            made(
                "b",
                choices={"optimizer": "adam", "augmentation": ["crop"]},
                config={"optimizer": ADAM, "augmentation": crop, "clip": {"kind": "norm"}, "epochs": 5},
            ),
            made(
                "c",
                config={"optimizer": SGD | {"lr": 0.01}, "checkpoint_seconds": 5, "trainer": {"threads": 1}, "seed": 9},
            ),
            made("d", config={"data": DIGITS | {"label_noise": 0.2, "root": "b"}}),
        )
    )
    # Adam's own file says lr: 0.001 and beta1: 0.9; crop's says padding: 4.
    assert differing(adam, sgd) == [
        "augmentation=[crop]", "augmentation.crop.padding=2", "optimizer=adam", "optimizer.lr=0.02", "epochs=5",
    ]  # fmt: skip
    # The rate of an optimizer is said, though it is the file's own.
    assert differing(sgd, adam) == ["augmentation=[]", "optimizer=sgd", "optimizer.lr=0.1", "epochs=3"]
    assert differing(slow, sgd) == ["optimizer.lr=0.01"]
    assert differing(loud, sgd) == ["data.label_noise=0.2"]
    assert differing(sgd, loud) == ["data.label_noise=null"]


def test_what_an_option_holds_is_said_as_a_choice(made: Made) -> None:
    def chosen(name: str, outer: str, base: str, lr: float, **knobs: float) -> Run:
        held = {"_target_": f"temper.optimizer.{base}.It", "lr": lr, "weight_decay": 0.0, **knobs}
        around = {"_target_": f"temper.optimizer.{outer}.It", **({"rho": 0.05} if outer == "sam" else {"k": 5})}
        choices = {"optimizer": outer, "optimizer@optimizer.base": base}
        return methods(made(name, name, choices=choices, config={"optimizer": around | {"base": held}}))[0].first

    sgd = methods(made("sgd", config={}))[0].first
    momentum, adamax = chosen("a", "sam", "momentum", 0.1, momentum=0.9), chosen("b", "sam", "adamax", 0.002, beta1=0.9)
    tuned, ahead = chosen("c", "sam", "adamax", 0.01, beta1=0.8), chosen("d", "lookahead", "adamax", 0.002, beta1=0.9)
    # adamax's own file says lr: 0.002 and beta1: 0.9.
    assert differing(adamax, momentum) == ["optimizer@optimizer.base=adamax", "optimizer.base.lr=0.002"]
    assert differing(adamax, sgd) == [
        "optimizer=sam", "optimizer@optimizer.base=adamax", "optimizer.base.lr=0.002",
    ]  # fmt: skip
    assert differing(sgd, adamax) == ["optimizer=sgd", "optimizer.lr=0.1"]
    assert differing(tuned, adamax) == ["optimizer.base.lr=0.01", "optimizer.base.beta1=0.8"]
    assert differing(tuned, momentum) == [
        "optimizer@optimizer.base=adamax", "optimizer.base.lr=0.01", "optimizer.base.beta1=0.8",
    ]  # fmt: skip
    assert differing(ahead, adamax) == ["optimizer=lookahead", "optimizer.base.lr=0.002"]
    found = [Method(digest=run.digest, runs={0: run}) for run in (adamax, momentum, sgd)]
    name_methods(found, found[0])
    assert found[0].name == "optimizer=sam optimizer@optimizer.base=adamax optimizer.base.lr=0.002"
    assert find_baseline("optimizer@optimizer.base=momentum", found) is found[1]


def test_what_an_option_within_one_holds_is_said(made: Made) -> None:
    def chosen(base: str) -> Run:
        inner = {"_target_": f"temper.optimizer.{base}.It", "lr": 0.1}
        held = {"_target_": "temper.optimizer.lookahead.Lookahead", "k": 5, "alpha": 0.5, "base": inner}
        around = {"_target_": "temper.optimizer.sam.SAM", "rho": 0.05, "base": held}
        keys = {"optimizer@optimizer.base": "lookahead", "optimizer@optimizer.base.base": base}
        return methods(made(base, base, choices={"optimizer": "sam"} | keys, config={"optimizer": around}))[0].first

    assert differing(chosen("adam"), chosen("momentum")) == [
        "optimizer@optimizer.base.base=adam", "optimizer.base.base.lr=0.1",
    ]  # fmt: skip


def test_an_axis_that_came_later_is_no_difference(made: Made) -> None:
    earlier, later = (methods(folder)[0].first for folder in (made("a", config={}), made("b", config={})))
    assert not {"privacy", "penalty"} & set(earlier.choices)
    later = replace(later, choices={**later.choices, "privacy": "none", "penalty": []})
    assert differing(later, earlier) == differing(earlier, later) == []


@pytest.mark.parametrize(
    ("target", "key"), [("temper.data.table.Table", "path"), ("temper.data.image_folder.ImageFolder", "root")]
)
def test_the_users_data_is_the_same_however_its_path_was_written(
    target: str, key: str, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here, there, other = ({"_target_": target, key: path} for path in ("mine", str(tmp_path / "mine"), "other"))
    first, second = methods(made("a", config={"data": here}), made("b", "b", config={"data": there, "epochs": 5}))
    assert differing(second.first, first.first) == ["epochs=5"]
    with pytest.raises(Refusal, match=rf"data\.{key}=.*/mine in .* and data\.{key}=.*/other in .*: they were"):
        methods(tmp_path / "a", made("c", "c", config={"data": other}))


def test_every_method_has_a_name_of_its_own(made: Made) -> None:
    found = methods(
        made("a", config={}),
        made("b", "adam", choices={"optimizer": "adam"}, config={"optimizer": ADAM}),
        made("c", "slow", config={"optimizer": SGD | {"lr": 0.01}}),
        made("d", "0123456789abc", config={"unknown": 3}),
    )
    name_methods(found, found[0])
    assert [each.name for each in found] == [
        "optimizer=sgd optimizer.lr=0.1",
        "optimizer=adam optimizer.lr=0.02",
        "optimizer.lr=0.01",
        "digest 01234567",
    ]


def test_a_method_alone_is_called_by_its_recipe_or_choices(made: Made) -> None:
    for recipe, name in (("baseline/digits_mlp", "recipe=baseline/digits_mlp"), (None, "data=digits optimizer=sgd")):
        (found,) = methods(made(f"run_{recipe is None}", choices={"recipe": recipe}))
        name_methods([found], found)
        assert found.name == name


def test_a_baseline_by_folder_recipe_or_choice(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    sgd, adam, slow = methods(
        made("a", choices={"recipe": "baseline/one"}, config={}),
        made("sweep/b", "adam", choices={"optimizer": "adam"}, config={"optimizer": ADAM}),
        made("c", "slow", choices={"augmentation": ["crop", "flip"]}, config={"optimizer": SGD | {"lr": 0.01}}),
    )
    every = [sgd, adam, slow]
    for word, expected in (
        (None, sgd),
        ("c", slow),
        (str(tmp_path / "sweep"), adam),
        ("baseline/one", sgd),
        ("recipe=baseline/one", sgd),
        ("optimizer=adam", adam),
        ("optimizer=sgd optimizer.lr=0.01", slow),
        ("optimizer.lr=1e-2", slow),
        ("augmentation=[crop,flip]", slow),
        ("data.label_noise=null optimizer=adam", None),
    ):
        if expected is None:
            with pytest.raises(Refusal, match="none of the runs is of it"):
                find_baseline(word, every)
        else:
            assert find_baseline(word, every) is expected, word
    with pytest.raises(
        Refusal, match=r"--baseline optimizer=sgd: 2 methods are of it: name the folder of one: .*/a, .*/c"
    ):
        find_baseline("optimizer=sgd", every)
    for word in ("optimizer=lion", "baseline/two", "nowhere"):
        with pytest.raises(Refusal, match=f"--baseline {word}: none of the runs is of it: name the folder of one"):
            find_baseline(word, every)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"choices": {"data": "mnist"}},
            "data=digits in .*/a and data=mnist in .*/b: other examples are another question",
        ),
        ({"metric": "rmse"}, "/a is judged by accuracy and .*/b by rmse: compare runs on the same question"),
        (
            {"config": {"data": DIGITS | {"validation": 0.1}}},
            r"data\.validation=0\.2 in .*/a and data\.validation=0\.1 in .*/b: they were tested on other examples",
        ),
    ],
)
def test_refuses_runs_on_other_data(other: dict[str, Any], message: str, made: Made) -> None:
    with pytest.raises(Refusal, match=message):
        methods(made("a", config={}), made("b", **other))
