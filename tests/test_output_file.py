from pathlib import Path

import pytest

from temper.output_file import check_file, check_picture, writing
from temper.refusal import Refusal


def test_a_check_leaves_nothing_and_changes_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept", encoding="utf-8")
    check_file("--save", kept)
    check_file("--save", tmp_path / "new" / "deeper" / "a.txt")
    check_picture("--plot", tmp_path / "a.png", "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert kept.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".", "is a folder: name a file in it"),
        ("file/a.txt", "cannot be written (Not a directory): name another file"),
        ("x" * 300, "cannot be written (File name too long): name another file"),
    ],
)
def test_refuses_a_file_that_cannot_be(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / name
    with pytest.raises(Refusal) as told:
        check_file("--save", path)
    assert str(told.value) == f"--save {path}: {message}"


def test_refuses_what_is_no_picture_first(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"--plot .*/a: names no picture: for example --plot b\.png"):
        check_picture("--plot", tmp_path / "a", "b.png")


def test_writing_makes_the_folder_and_tells_a_fault_in_one_line(tmp_path: Path) -> None:
    place = tmp_path / "new" / "deeper" / "a.txt"
    with writing("--save", place):
        place.write_text("x", encoding="utf-8")
    with pytest.raises(Refusal) as told, writing("--save", place):
        place.mkdir()
    assert str(told.value) == f"--save {place}: cannot be written (File exists): name another file"
