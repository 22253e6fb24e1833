"""How columns of a table become numbers and classes, at the edges."""

import math
import re
from pathlib import Path

import pytest
from pydantic import ValidationError
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


DRESSED = {
    "digits in groups": ("4,270.00", "12,34,567", "4 267", "4\u202f267,5", "4'267", "1.234,5", "-1.234.567"),
    "a currency sign": ("$4267", "-$4,270.00", "US$ 4267", "4267 €", "4.267,00€", "£0.5"),
    "a percent sign": ("4%", "-4.5 %", "4,5 %"),
}


@pytest.mark.parametrize(("cell", "what"), [(cell, what) for what, cells in DRESSED.items() for cell in cells])
def test_numbers_to_people_are_no_words_unless_meant(tmp_path: Path, cell: str, what: str) -> None:
    path = write_table(tmp_path, "x;kind", "950.5;3", f"{cell};4", f"{cell};5")
    with pytest.raises(ValidationError) as refused:
        table(path)
    told = f"row 3, column x: {cell!r} has {what}, and numbers are written plainly here, such as 1234.5: mend"
    assert told in str(refused.value)
    assert "data.categorical=[x]" in str(refused.value)
    assert set(table(path, categorical=["x"]).feature_names) == {f"x={cell}", "x=950.5"}
    with pytest.raises(ValidationError, match=f"row 3, column x: .* has {what}.*data.kind=classification"):
        table(path, target="x")
    assert table(path, target="x", kind="classification").classes == 2


@pytest.mark.parametrize(
    "words",
    [
        ("2024-01-31", "31.01.2024", "1/31/2024", "12:30"),
        ("$", "$$", "$$$"),
        ("123 45", "030 123 456", "+49 30 123456", "SW1A 1AA"),
        ("192.168.100.101", "192.168.100.102"),
        ("1,2,3", "v1.234", "4 267 km", "A4"),
        ("4%", "5%", "skimmed", "whole"),  # half of them, and no more
    ],
)
def test_words_stay_words(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = write_table(tmp_path, "x;kind", *(f"{word};{row % 2}" for row, word in enumerate(words * 2)))
    assert table(path).feature_names == tuple(f"x={word}" for word in sorted(words))
    assert table(path, target="x").splits().class_names == tuple(sorted(words))


@pytest.mark.parametrize("word", ["-", "?", "none", "unknown"])
def test_one_word_among_numbers_is_a_fault_however_often(tmp_path: Path, word: str) -> None:
    rows = [f"{row}.5;{'ab'[row % 2]}" for row in range(4)] + [f"{word};{'ab'[row % 2]}" for row in range(6)]
    path = write_table(tmp_path, "x;kind", *rows)
    told = f"row 6, column x: '{re.escape(word)}' is no number, as all others of the column are: mend it .*empty.*"
    with pytest.raises(ValidationError, match=told + r"data\.categorical=\[x\]"):
        table(path)
    assert f"x={word}" in table(path, categorical=["x"]).feature_names
    told = f"row 6, column x: the label '{re.escape(word)}' is no number, as all others are: mend it, or set"
    with pytest.raises(ValidationError, match=told + " data.kind=classification"):
        table(path, target="x")
    assert table(path, target="x", kind="classification").classes == 5


def test_words_beside_numbers_are_meant_where_they_differ(tmp_path: Path) -> None:
    path = write_table(tmp_path, "x;kind", "1;a", "2;b", "few;a", "many;b", "few;a")
    assert table(path).feature_names == ("x=1", "x=2", "x=few", "x=many")
    path = write_table(tmp_path, "x;kind", "1;a", "1;b", "more;a", "more;b")
    assert table(path).feature_names == ("x=1", "x=more")


# pandas._libs.parsers.STR_NA_VALUES of pandas 2.2
PANDAS = ["#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]


@pytest.mark.parametrize("mark", [*PANDAS, "NULL", "NaN", "None", "n/a", "nan", "null"])
def test_what_pandas_takes_for_missing_is(tmp_path: Path, mark: str) -> None:
    path = write_table(tmp_path, "x;kind", "1;a", f"{mark};b", "3;a", "4;b")
    with pytest.raises(ValidationError, match="row 3, column x: the value is missing"):
        table(path)
    assert table(path, missing="drop").splits().train.inputs.tolist() == [[1], [3], [4]]


def test_values_that_differ_by_less_than_matters_are_no_fault(tmp_path: Path) -> None:
    rows = [f"{math.sin(2 * math.pi * row / 24)},{1_700_000_000 + 86_400 * row},{'ab'[row % 2]}" for row in range(1000)]
    data = table(write_table(tmp_path, "hour,day,kind", *rows))
    asked = tmp_path / "asked.csv"
    asked.write_text("hour,day\n" + "\n".join(f"0.5,{1_700_000_000 + row}" for row in range(5)))
    assert data.read(asked).shape == (5, 2), "rows of a prediction may lie as near to each other as they like"


def test_many_words_may_be_classes(tmp_path: Path) -> None:
    rows = [f"{row},w{row // 2}" for row in range(2402)]
    assert table(write_table(tmp_path, "x,kind", *rows)).classes == 1201
