import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.scripts.conftest import load

from temper.data.digits import Digits

predict = load("predict")


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> list[dict[str, str]]:
    capsys.readouterr()
    predict.main([*map(str, words)])
    return list(csv.DictReader(capsys.readouterr().out.splitlines()))


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        predict.main([*map(str, words)])
    assert caught.value.code == 2
    said = capsys.readouterr()
    return said.out, said.err


def test_a_value_comes_in_its_own_units(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("task=linear_regression", "epochs=1", "optimizer.lr=0.01")
    state = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)["state_dict"]
    weight, bias = (state[key].item() for key in sorted(state)[::-1])
    table = np.array([[0.25], [4.0]])
    np.save(tmp_path / "x.npy", table)
    rows = answer(capsys, tmp_path / "run", tmp_path / "x.npy")
    assert [row["row"] for row in rows] == ["1", "2"]
    assert "probability" not in rows[0]
    expected = (table[:, 0] * weight + bias).tolist()
    assert [float(row["prediction"]) for row in rows] == pytest.approx(expected, rel=1e-5)


def test_standardised_targets_come_back(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("preprocessing=[standardize]", "preprocessing.standardize.target=true")
    train("task=linear_regression", "data.slope=30.0", *words, "epochs=20", "optimizer.lr=0.05")
    (tmp_path / "x.csv").write_text("x\n0\n1\n")
    low, high = (float(row["prediction"]) for row in answer(capsys, tmp_path / "run", tmp_path / "x.csv"))
    assert (low, high) == pytest.approx((2.5, 32.5), abs=1.0)  # y = 30x + 2, and the noise adds a half


def test_classes_come_by_name_without_the_data(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = train("task=mlp", "epochs=3")
    splits = Digits(
        validation=0.2, test=0.2, drop_last=False, label_noise=None, imbalance=None, input_noise=None
    ).splits()
    np.save(tmp_path / "digits.npy", splits.test.inputs.numpy())
    monkeypatch.delattr(Digits, "splits")
    rows = answer(capsys, tmp_path / "run", tmp_path / "digits.npy")
    right = [row["prediction"] == str(label) for row, label in zip(rows, splits.test.targets.tolist(), strict=True)]
    assert sum(right) / len(right) == pytest.approx(report.metrics["test/accuracy"], abs=1e-6)
    assert all(0.1 <= float(row["probability"]) <= 1 for row in rows)


def test_a_binary_answer_names_the_likelier_class(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=mlp", "task.hidden=[]", "data=tanh_threshold", "loss=binary_cross_entropy", "epochs=5")
    checkpoint = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)
    state, kept = checkpoint["state_dict"], checkpoint["Batches"]["fitted"]["standardize"]
    weight, bias = (state[key].item() for key in sorted(state)[::-1])
    (tmp_path / "x.csv").write_text("0\n1\n")
    rows = answer(capsys, tmp_path / "run", tmp_path / "x.csv")
    for x, row in zip((0.0, 1.0), rows, strict=True):
        logit = (x - kept["mean"].item()) / kept["deviation"].item() * weight + bias
        assert row["prediction"] == ("reached" if logit > 0 else "below")
        assert float(row["probability"]) == pytest.approx(1 / (1 + np.exp(-abs(logit))), abs=2e-6)
    assert [row["prediction"] for row in rows] == ["below", "reached"]


def test_an_image_is_predicted(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=cifar_resnet", "task.depth=8", "debug=steps")
    Image.new("RGB", (50, 40), "red").save(tmp_path / "red.png")
    (row,) = answer(capsys, tmp_path / "run", tmp_path / "red.png")
    assert row["file"].endswith("red.png")
    assert row["prediction"] in map(str, range(10))


def test_an_image_is_predicted_in_views(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train("task=cifar_resnet", "task.depth=8", "debug=steps", "test_time_augmentation=mirror")
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (32, 32, 3), generator=generator, dtype=torch.uint8).numpy()
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])).save(tmp_path / "mirrored.png")
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    for name, moved in (("up_left", padded[2:, 2:]), ("down_right", padded[:-2, :-2])):
        Image.fromarray(moved).save(tmp_path / f"{name}.png")
        Image.fromarray(np.ascontiguousarray(moved[:, ::-1])).save(tmp_path / f"{name}_mirrored.png")
    monkeypatch.setattr(predict.Predictor, "_told", lambda self, outputs: [tuple(map(str, outputs[0].tolist()))])

    def logits(*words: str) -> list[Any]:
        files = [tmp_path / f"{name}.png" for name in ("noise", "mirrored")]
        files += sorted(tmp_path.glob("*_*.png"))
        predictor = predict.Predictor.of(predict.Trained.find(str(tmp_path / "run"), "RUN"), *words)
        return [np.array(row[2:], dtype=float) for row in predict.predict(predictor, list(map(str, files)))[0]]

    noise, mirrored, *moved = logits("none")
    assert len(moved) == 4
    assert np.abs(noise - mirrored).max() > 1e-4
    assert logits("mirror")[0] == pytest.approx((noise + mirrored) / 2, abs=1e-5)
    expected = (noise + mirrored) / 4 + sum(moved) / 8
    assert logits("mirror_and_shift")[0] == pytest.approx(expected, abs=1e-5)


def test_views_are_asked_for_by_name_and_of_images(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=cifar_resnet", "task.depth=8", "debug=steps", "test_time_augmentation=mirror")
    Image.new("RGB", (50, 40), "red").save(tmp_path / "red.png")
    asked = "--test-time-augmentation"
    plain, none = (answer(capsys, tmp_path / "run", tmp_path / "red.png", *more) for more in ([], [asked, "none"]))
    assert plain == none
    (shifted,) = answer(capsys, tmp_path / "run", tmp_path / "red.png", asked, "mirror_and_shift")
    assert shifted["prediction"] in map(str, range(10))
    assert "invalid choice: 'flip'" in refused(capsys, tmp_path / "run", tmp_path / "red.png", asked, "flip")[1]
    train("task=mlp", "epochs=1", folder=tmp_path / "digits")
    said = refused(capsys, tmp_path / "digits", "digits.npy", asked, "mirror")[1]
    assert f"{asked} mirror: looks at views of images" in said
    assert "leave it away" in said


def test_bad_files_are_named_and_good_ones_predicted(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=linear_regression", "epochs=1")
    good, bad, output = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "answer.csv"
    good.write_text("0.5\n")
    bad.write_text("1,2\n")
    out, err = refused(capsys, tmp_path / "run", bad, good, tmp_path / "absent.csv", "--output", output)
    assert out == ""
    assert "bad.csv: row 1 has 2 columns, and 1 are wanted" in err
    assert "absent.csv: there is no such file" in err
    assert [row["file"] for row in csv.DictReader(output.read_text().splitlines())] == [str(good)]

    output.unlink()
    out, err = refused(capsys, tmp_path / "run", bad, "--output", output)
    assert out == ""
    assert not output.exists()

    assert "FILES: none is named" in refused(capsys, tmp_path / "run")[1]
    assert "would be overwritten" in refused(capsys, tmp_path / "run", good, "--output", good)[1]
    assert (
        "cannot be written (Not a directory)"
        in refused(capsys, tmp_path / "run", good, "--output", good / "answer.csv")[1]
    )
    assert "is a folder" in refused(capsys, tmp_path / "run", good, "--output", tmp_path)[1]
    assert good.read_text() == "0.5\n"


def test_a_run_without_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no" in refused(capsys, tmp_path / "nowhere", "x.csv")[1]
    assert "holds no checkpoint: name a run that has trained" in refused(capsys, tmp_path, "x.csv")[1]


def test_a_table_of_words_by_the_names_of_its_columns(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("data=table", "data.path=my_table.csv", "data.target=species", "epochs=1")
    (tmp_path / "mine.csv").write_text("colour,length\nred,3\nblue,4.5\n")
    rows = answer(capsys, tmp_path / "run", tmp_path / "mine.csv")
    assert {row["prediction"] for row in rows} <= {"kind_0", "kind_1", "kind_2"}
    with (tmp_path / "my_table.csv").open("a") as file:
        file.write("\n1,green,kind_0")
    _, said = refused(capsys, tmp_path / "run", tmp_path / "mine.csv")
    assert "its columns were length, colour=blue, colour=red, and are length, colour=blue, colour=green" in said


def test_a_picture_of_a_folder(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("data=image_folder", "data.root=my_photos", "data.size=8", "preprocessing=[normalize]", "epochs=1")
    rows = answer(capsys, tmp_path / "run", tmp_path / "my_photos" / "kind_0" / "0.png")
    assert rows[0]["prediction"] in {"kind_0", "kind_1", "kind_2"}


def test_a_tables_file_that_was_moved_is_named(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("data=table", "data.path=my_table.csv", "data.target=species", "debug=steps")
    new, moved = tmp_path / "new.csv", tmp_path / "moved.csv"
    new.write_text("length,colour\n1.5,red\n")
    before = answer(capsys, tmp_path / "run", new)
    (tmp_path / "my_table.csv").rename(moved)
    for script in (predict, *map(load, ("evaluate", "explain", "export"))):
        with pytest.raises(SystemExit):
            script.main([str(tmp_path / "run"), *([str(new)] if script is predict else [])])
        assert "my_table.csv: there is no such file: name a CSV or a Parquet file (here: --root PLACE)" in (
            capsys.readouterr().err
        )
    assert answer(capsys, tmp_path / "run", new, "--root", moved) == before
    moved.write_text(moved.read_text().replace("length", "width"))
    assert "or name a copy that is so, --root PLACE" in refused(capsys, tmp_path / "run", new, "--root", moved)[1]
