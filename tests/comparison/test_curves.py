from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

from temper.comparison import curves
from temper.comparison.methods import Method, group, name_methods
from temper.comparison.runs import find
from temper.refusal import Refusal

Made = Callable[..., Path]


def recorded(made: Made, *tables: tuple[str, int, str]) -> list[Method]:
    folders = []
    for digest, seed, table in tables:
        folders.append(made(f"{digest}_{seed}", digest, seed, choices={"optimizer": digest}))
        (folders[-1] / "metrics.csv").write_text(table)
    methods, _ = group(find(folders)[0])
    name_methods(methods, methods[0])
    return methods


def test_the_main_metric_of_validation_by_seed(made: Made) -> None:
    one, two = (f"step,train/loss,val/accuracy\n5,2.0,\n10,1.0,0.{digit}\n" for digit in (4, 6))
    methods = recorded(made, ("sgd", 1, two), ("sgd", 0, one), ("adam", 0, one))
    assert curves.read(methods) == ("val/accuracy", [[[(10, 0.4)], [(10, 0.6)]], [[(10, 0.4)]]])


def test_the_training_loss_where_one_was_not_validated(made: Made) -> None:
    methods = recorded(
        made, ("sgd", 0, "step,train/loss,val/accuracy\n5,2.0,0.5\n"), ("adam", 0, "step,train/loss\n5,3.0\n")
    )
    assert curves.read(methods) == ("train/loss", [[[(5, 2.0)]], [[(5, 3.0)]]])


def test_refuses_a_run_that_recorded_nothing(made: Made) -> None:
    methods = recorded(made, ("sgd", 0, "step,train/loss\n5,2.0\n"), ("adam", 0, "step,epoch\n5,1\n"))
    with pytest.raises(Refusal, match=r"--curves: .*/adam_0 holds no metrics\.csv with train/loss: leave the run out"):
        curves.read(methods)


def test_the_mean_is_of_the_steps_that_every_seed_has() -> None:
    assert curves.mean([[(1, 0.0), (2, 1.0), (3, 2.0)], [(1, 1.0), (2, 2.0)]]) == [(1, 0.5), (2, 1.5)]
    assert curves.mean([[(1, 0.0)], [(2, 1.0)]]) == curves.mean([]) == []


def test_draws_a_line_of_each_method(made: Made, tmp_path: Path) -> None:
    tables = [
        (f"method_{number}", seed, f"step,train/loss\n1,1.0\n2,{10.0**-number}\n")
        for number in range(1, 10)
        for seed in range(2)
    ]
    methods = recorded(made, *tables)
    curves.draw(tmp_path / "a.png", methods, *curves.read(methods))
    height, width, _ = imread(tmp_path / "a.png").shape
    assert width == 975
    assert height > 520
