"""How columns of a table become numbers and classes, at the edges."""

import math
from pathlib import Path

from tests.data.conftest import table, write_table


def test_columns_may_be_called_by_numbers(tmp_path: Path) -> None:
    path = write_table(tmp_path, "0,1,2", "1,5,a", "2,6,b")
    assert table(path, target=2, ignore=[0]).splits().train.inputs.tolist() == [[5], [6]]


def test_zero_is_one_class_however_it_is_written(tmp_path: Path) -> None:
    splits = table(write_table(tmp_path, "x,kind", "1,-0.0", "2,0", "3,1")).splits()
    assert (splits.class_names, splits.train.targets.tolist()) == (("0", "1"), [0, 0, 1])


def test_a_class_without_an_example_to_learn_from_is_told_of(tmp_path: Path) -> None:
    rows = [f"{row},w" for row in range(37)] + ["37,x", "38,y", "39,z"]
    splits = table(write_table(tmp_path, "n,kind", *rows), validation=0.3, test=0.3).splits()
    unseen = {"x", "y", "z"} - {splits.class_names[index] for index in splits.train.targets.tolist()}
    assert unseen
    assert splits.note is not None
    assert f"no example to learn from is left of {', '.join(sorted(unseen))}" in splits.note


def test_values_that_differ_by_less_than_matters_are_no_fault(tmp_path: Path) -> None:
    rows = [f"{math.sin(2 * math.pi * row / 24)},{1_700_000_000 + 86_400 * row},{'ab'[row % 2]}" for row in range(1000)]
    data = table(write_table(tmp_path, "hour,day,kind", *rows))
    asked = tmp_path / "asked.csv"
    asked.write_text("hour,day\n" + "\n".join(f"0.5,{1_700_000_000 + row}" for row in range(5)))
    assert data.read(asked).shape == (5, 2), "rows of a prediction may lie as near to each other as they like"


def test_many_words_may_be_classes(tmp_path: Path) -> None:
    rows = [f"{row},w{row // 2}" for row in range(2402)]
    assert table(write_table(tmp_path, "x,kind", *rows)).classes == 1201
