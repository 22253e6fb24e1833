"""A user's table against its own cells, and each fault in it by row and column."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pydantic import ValidationError
from tests.data.conftest import ROWS, table, write_table


def test_columns_and_classes_are_those_of_the_file(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS))
    splits = data.splits()
    assert splits.train.inputs.tolist() == [
        [1.5, 0, 0, 1, 1],  # length, blue, green, red, width
        [2.5, 1, 0, 0, 2],
        [3.5, 0, 0, 1, 3],
        [4.5, 0, 1, 0, 4],
    ]
    assert splits.train.inputs.dtype == torch.float32
    assert splits.train.targets.tolist() == [0, 1, 0, 1]
    assert (data.classes, splits.class_names, data.validates) == (2, ("cat", "dog"), False)


def test_corrupted_when_asked(tmp_path: Path) -> None:
    rows = [f"{row * 100},{'ab'[row % 2]},{'xyz'[row % 3]}" for row in range(300)]
    path = write_table(tmp_path, "long,word,kind", *rows)
    shares = {"validation": 0.2, "test": 0.2}
    clean = table(path, **shares).splits()
    noisy = table(path, **shares, input_noise=0.1).splits()
    assert clean.validation is not None
    assert noisy.validation is not None
    deviation = clean.train.inputs[:, 0].std(correction=0)
    for before, after in ((clean.train, noisy.train), (clean.validation, noisy.validation), (clean.test, noisy.test)):
        assert torch.equal(before.inputs[:, 1:], after.inputs[:, 1:])  # words stay words
        moved = (after.inputs - before.inputs)[:, 0] / deviation
        assert moved.std().item() == pytest.approx(0.1, rel=0.3)
    wrong = table(path, **shares, label_noise=0.25).splits()
    assert int((wrong.train.targets != clean.train.targets).sum()) == 45
    assert wrong.note == "label_noise=0.25: 45 of 180 training labels are wrong"
    assert torch.equal(wrong.test.targets, clean.test.targets)
    assert table(path, **shares, imbalance=4.0).splits().train.targets.bincount().tolist() == [60, 30, 15]
    with pytest.raises(ValueError, match=r"data\.imbalance=61 leaves the last class none of its 60"):
        table(path, **shares, imbalance=61.0).splits()
    assert torch.equal(table(path, **shares, input_noise=0.1).read(path), table(path, **shares).read(path))


def test_a_regression(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS), target="length", ignore=["kind"])
    splits = data.splits()
    assert splits.train.targets.tolist() == [1.5, 2.5, 3.5, 4.5]
    assert splits.train.targets.dtype == torch.float32
    assert (data.classes, splits.class_names) == (0, ())
    assert splits.train.inputs.shape == (4, 4)


@pytest.mark.parametrize(
    ("labels", "kind", "classes"),
    [
        (["1", "2"] * 15, "auto", 2),
        (["1", "2"] * 15, "regression", 0),
        (["1", "1.0", "0"] * 10, "auto", 2),
        ([str(n) for n in range(20)] * 2, "auto", 20),
        ([str(n) for n in range(21)] * 2, "auto", 0),
        ([str(n) for n in range(21)] * 2, "classification", 21),
        (["0.5", "1"] * 15, "auto", 0),
        (["0.5", "1"] * 15, "classification", 2),
        (["1", "a", "b"] * 10, "auto", 3),
    ],
)
def test_what_labels_are_taken_for(tmp_path: Path, labels: list[str], kind: str, classes: int) -> None:
    path = write_table(tmp_path, "x,y", *(f"{row},{label}" for row, label in enumerate(labels)))
    data = table(path, target="y", kind=kind)
    assert data.classes == classes
    if classes:
        names, train = data.splits().class_names, data.splits().train
        given = [labels[int(row)] for row in train.inputs[:, 0]]
        assert [names[index] for index in train.targets] == [
            f"{float(label):g}" if label[0].isdigit() and "a" not in labels else label for label in given
        ]
        assert "a" in labels or list(names) == sorted(names, key=float)


def test_numbers_may_be_words(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS), categorical=["width"], ignore=["length", "colour"])
    assert data.splits().train.inputs.tolist() == np.eye(4).tolist()


GAPS = ["x,word,y", *(f"{row},{'ab'[row % 2]},{row % 2}" for row in range(1, 21)), ",a,1", "3,,0", "NaN,b,1"]


@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_each_example_tells_its_row(tmp_path: Path, missing: str) -> None:
    rows = [f'"{row}",{row % 2}' if row % 5 else '"",1' for row in range(2, 42)]
    data = table(write_table(tmp_path, "x,y", *rows), target="y", missing=missing, validation=0.25, test=0.25)
    splits, seen = data.splits(), set()
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        assert part.origins is not None
        for x, place in zip(part.inputs[:, 0].tolist(), data.places(part.origins.tolist()), strict=True):
            number = int(place.removeprefix("row "))
            assert x == number or number % 5 == 0
            seen.add(number)
    assert seen == {row for row in range(2, 42) if row % 5 or missing == "mean"}


def test_rows_with_gaps_are_dropped_if_asked(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *GAPS, "5,a,null"), target="y", missing="drop", test=0.2)
    splits = data.splits()
    assert len(splits.train) + len(splits.test) == 20
    assert splits.note == "4 rows with missing values left out"


def test_gaps_take_the_mean_of_the_training_rows(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *GAPS), target="y", missing="mean", validation=0.2, test=0.2)
    splits = data.splits()
    assert splits.validation is not None
    raw = table(write_table(tmp_path, *GAPS), target="y", missing="mean", validation=0.2, test=0.2)._cut
    mean = float(np.nanmean(raw.train.inputs[:, 0].numpy()))
    assert raw.validation is not None
    parts = [(splits.train, raw.train), (splits.validation, raw.validation), (splits.test, raw.test)]
    for filled, gappy in parts:
        gaps = gappy.inputs.isnan()
        assert filled.inputs[gaps].tolist() == pytest.approx([mean] * int(gaps.sum()))
        assert torch.equal(filled.inputs[~gaps], gappy.inputs[~gaps])
    words = torch.cat([filled.inputs[:, 1:] for filled, _ in parts])
    assert sorted(words.sum(1).tolist()) == [0.0, *[1.0] * 22]
    path = tmp_path / "mine.csv"
    path.write_text("word,x\na,\n,1\n")
    assert data.read(path).tolist() == pytest.approx(np.array([[mean, 1, 0], [1, 0, 0]]))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some.integers(11, 60), validation=some.floats(0.1, 0.4), test=some.floats(0.1, 0.4))
def test_every_row_is_in_one_part(tmp_path: Path, rows: int, validation: float, test: float) -> None:
    path = write_table(tmp_path, "x,y", *(f"{row},{row}.5" for row in range(rows)))
    splits = table(path, target="y", validation=validation, test=test).splits()
    assert splits.validation is not None
    targets = torch.cat([part.targets for part in (splits.train, splits.validation, splits.test)])
    assert sorted(targets.tolist()) == [row + 0.5 for row in range(rows)]


def test_any_stretch_of_a_sorted_file_holds_every_class(tmp_path: Path) -> None:
    """What the training figures are measured on are the first rows; those of the user's own files stay in order."""
    path = write_table(tmp_path, "x,y", *(f"{row},{'abcde'[row // 40]}" for row in range(200)))
    data = table(path, target="y", validation=0.2, test=0.2)
    splits = data.splits()
    assert splits.validation is not None
    for part in (splits.train, splits.validation, splits.test):
        assert part.targets[:10].bincount().tolist() == [2] * 5
        assert torch.equal(part.inputs[:, 0] // 40, part.targets.float())
        assert part.inputs[:, 0].tolist() != sorted(part.inputs[:, 0].tolist())
    assert data.read(path)[:, 0].tolist() == list(range(200))


def test_reads_the_users_rows_by_name(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS))
    mine = tmp_path / "mine.csv"
    mine.write_text("width,other,colour,length\n7,x,green,8\n")
    assert data.read(mine).tolist() == [[8, 0, 1, 0, 7]]
    for text, words in (
        ("width,colour\n1,red\n", "has no column length"),
        ("width,lenght,colour\n1,1,red\n", "has no column length; did you mean lenght"),
        ("length,colour,width\n1,bleu,1\n", "row 2, column colour: 'bleu' was not seen; did you mean blue"),
        ("length,colour,width\nlong,red,1\n", "row 2, column length: 'long' is no number"),
        ("length,colour,width\n1,red,\n", "row 2, column width: the value is missing"),
    ):
        mine.write_text(text)
        with pytest.raises(ValueError, match=words):
            data.read(mine)
    with pytest.raises(ValueError, match=r"absent\.csv: there is no such file"):
        data.read(tmp_path / "absent.csv")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS))
    assert data.classes == 2
    write_table(tmp_path, *ROWS, "5.5,red,5,eel")
    assert data.classes == 3


@pytest.mark.parametrize(
    ("rows", "knobs", "words"),
    [
        (ROWS, {"target": "kinds"}, r"target=kinds: .*t\.csv has no column kinds; did you mean kind"),
        (ROWS, {"ignore": ["colours"]}, "ignore=colours: .*did you mean colour"),
        (ROWS, {"categorical": ["widht"]}, "categorical=widht: .*did you mean width"),
        (ROWS, {"ignore": ["length", "colour", "width"]}, "no other column"),
        ([*ROWS, "x,red,5,cat"], {}, r"row 6, column length: 'x' is no number, as most.*data\.categorical=\[length\]"),
        (
            ["x,price", "1,10.5", "2,ten", "3,11.5"],
            {"target": "price", "kind": "regression"},
            "row 3, column price: the label 'ten' is no number: mend it",
        ),
        (
            ["x,price", "1,10.5", "2,ten", "3,11.5"],
            {"target": "price"},
            "row 3, column price: the label 'ten' is no number, as most.*data.kind=classification",
        ),
        ([*ROWS, ",red,5,cat", "1,,5,cat"], {}, r"row 6, column length: the value is missing \(and 1 more\)"),
        ([*ROWS, "1,red,5,"], {"missing": "mean"}, "row 6, column kind: .*a mean is no label.*missing=drop"),
        (["x,z,kind", ",1,a", "1,,b"], {"missing": "drop"}, "every row .* misses a value"),
        *(
            (["x,z,u,kind", "1,,,a", "1,,3,b"], {"missing": each, "ignore": ["u"]}, r"z holds no.*ignore=\[u,z\]")
            for each in ("refuse", "drop", "mean")
        ),
        (["x,kind", "1,", "2,"], {}, "target=kind: the column holds nothing"),
        (["x,y", "1,2.5", "2,2.5"], {"target": "y"}, "target=y: .*t.csv holds but one value, 2.5: name another column"),
        (["x,x,kind", "1,2,a"], {}, "two columns are called 'x'"),
        (["x,,kind", "1,2,a"], {}, "a column is called ''"),
        (["c,c=x,kind", "x,1,a", "z,2,b"], {}, r"columns c and c=x would both be read as c=x.*data\.ignore=\[c\]"),
        (["c=x,c,kind", "y,x=y,a", "z,u,b"], {}, r"columns c=x and c would both be read as c=x=y.*data\.ignore=\[c\]"),
        (["x,kind", "1,a", "2,a"], {}, "target=kind: .*t.csv holds but one class, a: "),
        (["x,kind", "1,3", "2,3"], {}, "holds but one class, 3: "),
        (
            ["x;kind", "1;a", "2,5;b", "3,5;a"],
            {},
            r"row 3, column x: '2,5' has a decimal comma, and numbers are written 2\.5.*data\.categorical=\[x\]",
        ),
        (["x,kind", "950,a", '"1,234",b'], {}, r"row 3, column x: '1,234' has a comma, .* written 1\.234 or 1234 here"),
        (["x;y", "1;2,5", "2;-3,5"], {"target": "y"}, r"row 2, column y: '2,5' has a decimal.*kind=classification"),
        ([*ROWS, "1,red,5,"], {}, "row 6, column kind: the value is missing: mend it, or leave such rows out"),
        ([*ROWS], {"target": "length", "label_noise": 0.1}, "label_noise=0.1 is of classes, and column length holds"),
        ([*ROWS], {"target": "length", "imbalance": 2.0}, "imbalance=2 is of classes.*data.kind=classification"),
        (["x,kind", "1,a,2"], {}, "row 2 has 3 cells, and there are 2 columns"),
        (["x,kind"], {}, "holds no rows"),
        ([""], {}, "holds no rows"),
        (ROWS, {"categorical": ["kind"]}, "categorical=kind: it is the target: data.kind=classification"),
        (ROWS, {"ignore": ["kind"]}, "ignore=kind: it is named as target too"),
        (ROWS, {"ignore": ["width"], "categorical": ["width"]}, "ignore=width: it is named as categorical too"),
        (
            ["x,kind", *(f"{row},w{row}" for row in range(21))],
            {},
            "target=kind: .*21 different words there, in 21 rows",
        ),
        (
            ["x,kind", *(f"{1_700_000_000 + row},{'ab'[row % 2]}" for row in range(40))],
            {},
            "column x lies between 1700000000 and 1700000039, which 32 bits tell apart by steps of 128: subtract",
        ),
        (
            ["x,y", *(f"{row % 2},{16_777_216 + row % 2}.5" for row in range(8))],
            {"target": "y"},
            "column y lies between 16777216.5 and 16777217.5",
        ),
        (["x,kind", "1e300,a"], {}, "row 2, column x: 1e.300 is too large"),
        (
            ["name,kind", *(f"n{row},a" for row in range(21))],
            {},
            r"column name holds 21 different words.*ignore=\[name\]",
        ),
    ],
)
def test_faults_of_a_table_are_named(tmp_path: Path, rows: list[str], knobs: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        table(write_table(tmp_path, *rows), **knobs)


def test_a_column_without_training_values_is_named(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"target": "y", "missing": "mean", "test": 0.2}
    rows = [["z", "x", "y"], *([str(row), str(row), f"{row}.5"] for row in range(20))]
    tested = table(write_table(tmp_path, *map(",".join, rows)), **knobs).splits().test.inputs[:, 0].tolist()
    for row in rows[1:]:
        row[1] = "1" if float(row[0]) in tested else ""
    data = table(write_table(tmp_path, *map(",".join, rows)), **knobs)
    with pytest.raises(ValueError, match=r"column x has no value in the training rows: data\.ignore=\[x\]"):
        data.splits()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"path": None}, r"data\.path=FILE\.csv"),
        ({"target": None}, r"data\.target=COLUMN"),
        ({"target": " "}, r"data\.target=COLUMN"),
        ({"kind": "words"}, "kind"),
        ({"missing": "zero"}, "missing"),
        ({"validation": 1.0}, "validation"),
        ({"test": -0.1}, "test"),
    ],
)
def test_refuses(tmp_path: Path, bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        table(write_table(tmp_path, *ROWS), **bad)


def test_features_are_called_by_their_column_and_word(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, *ROWS))
    assert data.feature_names == ("length", "colour=blue", "colour=green", "colour=red", "width")
