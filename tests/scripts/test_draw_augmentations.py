import importlib.util
from pathlib import Path

from matplotlib.image import imread

ROOT = Path(__file__).parents[2]


def test_draws_a_row_for_each_option(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("draw_augmentations", ROOT / "scripts" / "draw_augmentations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(["--root", str(tmp_path / "nothing"), "--to", str(tmp_path / "all.png")])
    height, width, _ = imread(tmp_path / "all.png").shape
    assert height > 500
    assert width > 500
