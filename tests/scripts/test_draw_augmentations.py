from pathlib import Path

from matplotlib.image import imread
from tests.scripts.conftest import load


def test_draws_a_row_for_each_option(tmp_path: Path) -> None:
    load("draw_augmentations").main(["--root", str(tmp_path / "nothing"), "--to", str(tmp_path / "all.png")])
    height, width, _ = imread(tmp_path / "all.png").shape
    assert height > 500
    assert width > 500
