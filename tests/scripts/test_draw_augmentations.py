from pathlib import Path

import pytest
from matplotlib.image import imread
from tests.scripts.conftest import load


def test_draws_a_row_for_each_option(tmp_path: Path) -> None:
    load("draw_augmentations").main(["--root", str(tmp_path / "nothing"), "--to", str(tmp_path / "all.png")])
    height, width, _ = imread(tmp_path / "all.png").shape
    assert height > 500
    assert width > 500


def test_refuses_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "all.png"
    with pytest.raises(SystemExit) as end:
        load("draw_augmentations").main(["--to", str(place)])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"temper: --to {place}: cannot be written (Not a directory): name another file\n"
