from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread
from tests.scripts.conftest import load

from temper.command.command_line import options


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load("plot_schedules")


def test_draws_a_panel_for_each_option(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    told = Axes.set_title
    monkeypatch.setattr(Axes, "set_title", lambda self, title, **how: titles.append(title) or told(self, title, **how))
    script.main(["--to", str(tmp_path / "all.png")])
    assert set(titles) == set(options("scheduler"))
    height, width, _ = imread(tmp_path / "all.png").shape
    assert height > 500
    assert width > 1000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("schedules.txt", "names no picture: for example --to schedules.png"),
        ("folder.png", "is a folder: name a file in it"),
        ("file/all.png", "cannot be written (Not a directory): name another file"),
    ],
)
def test_refuses_what_it_cannot_write(
    name: str, message: str, script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as end:
        script.main(["--to", str(tmp_path / name)])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"temper: --to {tmp_path / name}: {message}\n"


def test_draws_what_a_run_would_follow(script: ModuleType) -> None:
    steps, epochs = script.STEPS, script.EPOCHS
    drawn = {name: script.rates(script.schedule(name)[0]) for name in ("constant", "step", "plateau")}
    assert {len(each) for each in drawn.values()} == {steps * epochs}
    assert set(drawn["constant"]) == {1.0}
    assert drawn["step"][: 9 * steps + 1] == [1.0] * 9 * steps + [0.1]
    # Its accuracy was last seen to rise after epoch 17, and the sixth validation after that ends epoch 23.
    assert drawn["plateau"].index(0.1) == 23 * steps
    warmed = script.rates(script.schedule("cosine", warmup="5epochs")[0])
    assert warmed.index(max(warmed)) == 5 * steps - 1
