"""What a user's file may hold, and how each fault in it is named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from temper.data.reading import check_image, read_image, read_table


@pytest.mark.parametrize("text", ["1,2\n3,4.5\n", "a,b\n1,2\n\n3,4.5\n", "\ufeffa,b\r\n1, 2\r\n3, 4.5\r\n"])
def test_a_table_with_or_without_names(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    table = read_table(path, columns=2)
    assert table.tolist() == [[1.0, 2.0], [3.0, 4.5]]
    assert table.dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3\n", "row 2 has 1 columns, and 2 are wanted"),
        ("a,b,c\n1,2,3\n", "row 2 has 3 columns"),
        ("a,b\n1,2\n3,x\n", "row 3, column 2: 'x' is no finite number"),
        ("1,1_2\n", "row 1, column 2: '1_2' is no finite number"),
        ("1,nan\n", "row 1, column 2: 'nan'"),
        ("1,\n", "row 1, column 2: ''"),
        ("1,1e300\n", "row 1, column 2: 1e\\+300"),
        ("a,b\n", "holds no rows"),
        ("", "holds no rows"),
        ("\x00\xff", "row 1 has 1 columns|is no CSV|holds no rows"),
    ],
)
def test_faults_of_a_csv_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"t\.csv: ({words})"):
        read_table(path, columns=2)


def test_faults_of_other_files_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.array([["a", "b"]]))
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY\x01")
    (tmp_path / "latin.csv").write_bytes(b"\xe9,1\n")
    for name, words in (
        ("text.npy", "real numbers"),
        ("broken.npy", r"is no \.npy"),
        ("latin.csv", "save it as UTF-8"),
        ("absent.csv", "no such file"),
        (".", "is a folder"),
    ):
        with pytest.raises(ValueError, match=words):
            read_table(tmp_path / name, columns=2)


def test_any_image_comes_in_rgb_at_the_wanted_size(tmp_path: Path) -> None:
    Image.new("L", (7, 5), 200).save(tmp_path / "grey.png")
    grey = read_image(tmp_path / "grey.png", height=4, width=6)
    assert (grey.shape, grey.dtype, set(grey.flatten().tolist())) == ((1, 3, 4, 6), torch.uint8, {200})
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "colour.png")
    colour = read_image(tmp_path / "colour.png", height=4, width=6)
    assert torch.equal(colour[0].permute(1, 2, 0), torch.from_numpy(pixels))


def test_faults_of_an_image_are_named(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no image")
    for name, words in (("words.png", "is no image"), ("absent.png", "no such file"), (".", "is a folder")):
        with pytest.raises(ValueError, match=words):
            read_image(tmp_path / name, height=4, width=4)


def test_whatever_pillow_says_of_a_file_names_it(tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    Image.new("RGB", (4, 4)).save(good)
    whole = good.read_bytes()
    for name, bytes_held in {
        "cut.png": whole[:8] + b"\0\0\0\5IHDR\0\0\0\0\0" + whole[25:],
        "odd.ppm": b"P6\nx 4\n255\n",
    }.items():
        (tmp_path / name).write_bytes(bytes_held)
        for read in (check_image, lambda path: read_image(path, 4, 4)):
            with pytest.raises(ValueError, match=f"{name}: is no image that can be read"):
                read(tmp_path / name)
