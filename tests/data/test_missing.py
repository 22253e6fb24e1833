"""What is a missing value of a table, and what a word."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.data.conftest import table, write_table


def test_only_an_empty_cell_is_missing_among_what_is_said_to_be_words(tmp_path: Path) -> None:
    rows = ["region,kind", "NA,a", "EU,b", "null,a", ",b"]
    data = table(write_table(tmp_path, *rows), categorical=["region"], missing="mean")
    assert data.feature_names == ("region=EU", "region=NA", "region=null")
    assert data.splits().train.inputs.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    mine = tmp_path / "mine.csv"
    mine.write_text("region,other\nNA,1\n,2\n")
    assert data.read(mine).tolist() == [[0, 1, 0], [0, 0, 0]]
    mine.write_text("region\nN/A\n")
    with pytest.raises(ValueError, match="row 2, column region: 'N/A' was not seen"):
        data.read(mine)
    dropped = table(write_table(tmp_path, *rows), categorical=["region"], missing="drop")
    assert dropped.feature_names == data.feature_names
    with pytest.raises(ValidationError, match="row 5, column region: the value is missing: "):
        table(write_table(tmp_path, *rows), categorical=["region"])
    with pytest.raises(ValidationError, match=r"row 2, .* missing \(and 2 more\): .*if NA is a word, .*l=\[region\]"):
        table(write_table(tmp_path, *rows))


def test_only_an_empty_cell_is_missing_among_labels_that_are_said_to_be_classes(tmp_path: Path) -> None:
    path = write_table(tmp_path, "x,disorder", "1,None", "2,apnea", "3,")
    knobs: dict[str, Any] = {"target": "disorder", "missing": "drop"}
    assert table(path, **knobs, kind="classification").splits().class_names == ("None", "apnea")
    with pytest.raises(ValidationError, match=r"column disorder: .*if None is a word, data\.kind=classification"):
        table(path, target="disorder")
    path = write_table(tmp_path, "x,y", "1,None", "2,5", "3,7")
    assert table(path, target="y", missing="drop", kind="classification").splits().class_names == ("5", "7")


def test_a_number_that_is_missing_is_no_word_of_parquet(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {"x": [1.0, float("nan"), 2.0], "kind": ["a", "b", "a"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    data = table(tmp_path / "t.parquet", categorical=["x"], missing="mean")
    assert data.feature_names == ("x=1.0", "x=2.0")
