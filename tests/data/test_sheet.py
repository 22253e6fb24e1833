"""A table's file, as CSV and as Parquet, and what is no table."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from tests.data.conftest import ROWS, table, write_table


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path: Path, separator: str) -> None:
    path = write_table(tmp_path, *(row.replace(",", separator) for row in ROWS))
    assert table(path).splits().train.inputs.shape == (4, 5)


def test_the_separator_is_the_one_that_cuts(tmp_path: Path) -> None:
    splits = table(write_table(tmp_path, '"length, cm";"a;b";kind', "1;2;cat", "3;4;dog")).splits()
    assert splits.train.inputs.tolist() == [[1, 2], [3, 4]]


def test_lines_above_the_names_may_be_blank(tmp_path: Path) -> None:
    splits = table(write_table(tmp_path, "", "a;kind", "1;cat", "2;dog")).splits()
    assert splits.train.inputs.tolist() == [[1], [2]]


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"', "SEP=;", "sep=\t", "sep=|"])
def test_a_separator_may_be_said(tmp_path: Path, said: str) -> None:
    cut = said.strip('"')[-1]
    path = write_table(tmp_path, said, f"a,b{cut}kind", f"1{cut}cat", f"2{cut}dog")
    data = table(path)
    assert (data.feature_names, data.splits().train.inputs.tolist()) == (("a,b",), [[1], [2]])
    path.write_text(path.read_text() + f"\n{cut}cat")
    with pytest.raises(ValidationError, match="row 5, column a,b: the value is missing"):
        table(path)
    with pytest.raises(ValidationError, match="holds no rows"):
        table(write_table(tmp_path, said))


def test_numbers_of_rows_that_pandas_keeps_are_no_column(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {"x": [1.0, 2.0], "kind": ["a", "b"], "__index_level_0__": [7, 9]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert table(tmp_path / "t.parquet").feature_names == ("x",)


def test_commas_may_be_meant(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, "x;kind", "1,5;a", "2,5;b"), categorical=["x"])
    assert data.splits().train.inputs.tolist() == [[1, 0], [0, 1]]
    data = table(write_table(tmp_path, "x;kind", "1;1,5", "2;2,5"), kind="classification")
    assert data.splits().class_names == ("1,5", "2,5")


def test_an_underscore_makes_a_word(tmp_path: Path) -> None:
    data = table(write_table(tmp_path, "x,kind", "1_2,1_2", "12,12"))
    assert (data.feature_names, data.splits().class_names) == (("x=12", "x=1_2"), ("12", "1_2"))


def test_faults_of_other_files_are_named(tmp_path: Path) -> None:
    for coding in ("latin-1", "utf-16"):
        (tmp_path / "t.csv").write_text("é,kind\n1,a\n", encoding=coding)
        with pytest.raises(ValidationError, match=r"t\.csv: is no CSV text file in UTF-8 \(.*\): save it as UTF-8"):
            table(tmp_path / "t.csv")
    with pytest.raises(ValidationError, match=r"absent\.csv: there is no such file"):
        table(tmp_path / "absent.csv")


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        ValidationError, match=r"t\.parquet: reading Parquet needs pyarrow.*pip install -e '\.\[parquet\]'"
    ):
        table(tmp_path / "t.parquet")


def test_columns_of_parquet_that_are_no_columns_are_named(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "t.parquet"
    twice = pyarrow.Table.from_arrays([pyarrow.array([1.0, 2.0])] * 2 + [pyarrow.array(["a", "b"])], ["x", "x", "kind"])
    parquet.write_table(twice, path)
    with pytest.raises(ValidationError, match=r"t\.parquet: two columns are called 'x'"):
        table(path)
    parquet.write_table(pyarrow.table({"x": [[1], [2]], "kind": ["a", "b"]}), path)
    with pytest.raises(ValidationError, match=r"t\.parquet: column x holds list<.*>, and numbers or words are wanted"):
        table(path)


def test_parquet_gives_what_the_csv_gives(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    names, *rows = [row.split(",") for row in [*ROWS, "5.5,,5,cat"]]
    columns: dict[str, list[Any]] = {name: [row[place] or None for row in rows] for place, name in enumerate(names)}
    columns["length"] = [float(value) for value in columns["length"]]
    columns["width"] = [int(value) for value in columns["width"]]
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    ours = table(tmp_path / "t.parquet", missing="drop").splits()
    theirs = table(write_table(tmp_path, *ROWS)).splits()
    assert torch.equal(ours.train.inputs, theirs.train.inputs)
    assert torch.equal(ours.train.targets, theirs.train.targets)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValidationError, match=r"broken\.parquet: is no Parquet file"):
        table(tmp_path / "broken.parquet")
