"""A table or a folder that is no longer what a network has learned from: refused where names differ, told where not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from tests.scripts.conftest import load

from temper.comparison.methods import group
from temper.comparison.runs import find
from temper.compression import compress
from temper.explain.subject import Subject
from temper.export.writing import Subject as Exported
from temper.refusal import Refusal
from temper.report.record import Report
from temper.training.trained import Trained

Train = Callable[..., Report]
evaluate, predict = load("evaluate"), load("predict")
HEAD = "weight,length,colour,size"
ROWS = [
    f"{row % 7}.5,{100 + row % 11},{'red' if row % 3 else 'blue'},{'big' if row % 2 else 'small'}" for row in range(60)
]
SWAPPED = "length,weight,colour,size"
TABLE = ("data=table", "data.path=mine.csv", "data.target=size", "epochs=2", "batch_size=8", "trainer.threads=1")


def swapped(row: str) -> str:
    first, second, *rest = row.split(",")
    return ",".join((second, first, *rest))


def write(head: str, rows: list[str], file: str = "mine.csv") -> None:
    Path(file).write_text("\n".join([head, *rows]))


@pytest.fixture(autouse=True)
def _table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(HEAD, ROWS)


@pytest.fixture
def learned(train: Train, tmp_path: Path) -> Trained:
    train(*TABLE)
    return Trained.find(str(tmp_path / "run"), "RUN")


ANSWERS = {
    "evaluate": lambda trained: evaluate.evaluate(trained, "test", None),
    "explain": lambda trained: Subject.of(trained, "test", None, None),
    "compress": lambda trained: compress(trained, ["quantization=dynamic"], 50, None, lambda _: None),
}
BY_COLUMNS = ANSWERS | {
    "export": lambda trained: Exported.of(trained, None),
    "predict": lambda trained: predict.Predictor.of(trained, "none"),
}


@pytest.mark.parametrize("answer", BY_COLUMNS.values(), ids=BY_COLUMNS)
@pytest.mark.parametrize(
    ("head", "rows", "now"),
    [
        (SWAPPED, [swapped(row) for row in ROWS], "length, weight, colour=blue, colour=red"),
        (HEAD, [row.replace("blue", "amber") for row in ROWS], "weight, length, colour=amber, colour=red"),
        (HEAD, [*ROWS, "1.5,100,pink,big"], "weight, length, colour=blue, colour=pink, colour=red"),
    ],
    ids=["swapped", "another_word", "a_new_word"],
)
def test_other_columns_are_refused(answer: Any, head: str, rows: list[str], now: str, learned: Trained) -> None:
    answer(learned)
    write(head, rows)
    with pytest.raises(Refusal, match=f"its columns were weight, length, colour=blue, colour=red, and are {now} now"):
        answer(learned)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_other_classes_are_refused(answer: Any, learned: Trained) -> None:
    write(HEAD, [*ROWS, *["1.5,100,red,huge"] * 9])
    with pytest.raises(Refusal, match=r"its classes were big, small, and are big, huge, small now.*--root PLACE"):
        answer(learned)


def test_more_rows_are_told(learned: Trained, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = "the data has changed since: its examples are others"
    assert evaluate.evaluate(learned, "test", None).changed is None
    write(HEAD, [*ROWS, "0.1,100,red,big"])
    evaluate.main([str(tmp_path / "run")])
    assert f"note: {told}" in capsys.readouterr().out
    evaluate.main([str(tmp_path / "run"), "--json"])
    assert told in json.loads(capsys.readouterr().out.splitlines()[-1])["note"]
    assert [note for note in ANSWERS["compress"](learned).notes if told in note]
    assert [note for note in ANSWERS["explain"](learned).notes if told in note]
    write(HEAD, ROWS)
    assert evaluate.evaluate(learned, "test", None).changed is None
    assert not [note for note in ANSWERS["compress"](learned).notes if told in note]


def test_runs_before_and_after_are_not_compared(train: Train, tmp_path: Path) -> None:
    train(*TABLE, folder=tmp_path / "before")
    train(*TABLE, "seed=1", folder=tmp_path / "again")
    group(find([tmp_path / "before", tmp_path / "again"])[0])
    write(HEAD, [*ROWS, "0.1,100,red,big"])
    train(*TABLE, "seed=2", folder=tmp_path / "after")
    with pytest.raises(Refusal, match=r"before and .*after lie in one place, and were changed between these runs"):
        group(find([tmp_path / "before", tmp_path / "again", tmp_path / "after"])[0])


@pytest.mark.parametrize(
    ("head", "rows", "told"),
    [
        (SWAPPED, [swapped(row) for row in ROWS], "its columns were weight, length"),
        (HEAD, [*ROWS, *["1.5,100,red,huge"] * 9], "its classes were big, small"),
        (HEAD, ROWS[1:], "its examples are others"),
    ],
)
def test_a_run_does_not_go_on_over_other_data(
    head: str, rows: list[str], told: str, train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    train(*TABLE, "pause=1")
    write(head, rows)
    with pytest.raises(SystemExit):
        train(*TABLE)
    assert told in capsys.readouterr().err
    write(HEAD, ROWS)
    assert train(*TABLE).state == "finished"


def test_a_teacher_of_other_rows_is_refused_and_a_source_told(
    train: Train, tmp_path: Path, learned: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    taught = (*TABLE, "distillation=[logits]", f"distillation.logits.teacher={tmp_path}/run")
    taken = (*TABLE, "transfer=checkpoint", f"transfer.run={tmp_path}/run")
    report = train(*taken, folder=tmp_path / "as_it_was")
    assert not [note for note in report.notes if "changed since" in note]
    write(HEAD, [*ROWS, "0.1,100,red,big"])
    with pytest.raises(SystemExit):
        train(*taught, folder=tmp_path / "taught")
    assert "it holds other examples now" in capsys.readouterr().err
    report = train(*taken, folder=tmp_path / "taken")
    assert [note for note in report.notes if "its examples are others" in note]
    write(SWAPPED, [swapped(row) for row in ROWS])
    report = train(*taken, folder=tmp_path / "swapped")
    assert [note for note in report.notes if "layers are taken by the columns' places" in note]


def test_a_run_finds_its_table_from_elsewhere(
    learned: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert OmegaConf.load(tmp_path / "run" / "config.yaml").data.path == str(tmp_path / "mine.csv")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    write(SWAPPED, [swapped(row) for row in ROWS])  # another table of the same name
    assert evaluate.evaluate(learned, "test", None).changed is None
    (tmp_path / "mine.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(Refusal, match="there is no such file"):
        evaluate.evaluate(learned, "test", None)
    assert evaluate.evaluate(learned, "test", str(tmp_path / "moved.csv")).changed is None
    with pytest.raises(Refusal, match="its columns were"):
        evaluate.evaluate(learned, "test", "mine.csv")


def photos(folder: Path, names: tuple[str, ...], count: int = 20) -> None:
    for shade, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (8, 8), (90 * shade, number, 0)).save(folder / name / f"{number}.png")


def test_photos_of_other_classes_are_refused_and_more_of_them_told(train: Train, tmp_path: Path) -> None:
    photos(tmp_path / "photos", ("cat", "dog"))
    words = (
        "task=mlp",
        "data=image_folder",
        "data.root=photos",
        "data.size=8",
        "preprocessing=[normalize]",
        "epochs=1",
    )
    train(*words)
    run = Trained.find(str(tmp_path / "run"), "RUN")
    assert evaluate.evaluate(run, "test", None).changed is None
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "cat" / "more.png")
    assert "its examples are others" in str(evaluate.evaluate(run, "test", None).changed)
    (tmp_path / "photos" / "cat" / "more.png").unlink()
    (tmp_path / "photos" / "dog").rename(tmp_path / "photos" / "bird")
    with pytest.raises(Refusal, match="its classes were cat, dog, and are bird, cat now"):
        evaluate.evaluate(run, "test", None)


def test_a_checkpoint_of_before_tells_nothing(learned: Trained) -> None:
    kept = torch.load(learned.file, weights_only=True)
    assert set(kept["facts"].pop("contents")) == {"rows"}
    kept["facts"].pop("columns")
    torch.save(kept, learned.file)
    write(HEAD, [*ROWS, "0.1,100,red,big"])
    assert evaluate.evaluate(learned, "test", None).changed is None
