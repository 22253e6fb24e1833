import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_digits
from tests.scripts.conftest import load
from torch import Tensor

from temper.data.image_folder import ImageFolder
from temper.export import checking, formats
from temper.export.formats import FORMATS

export, predict = load("export"), load("predict")

# A program of somebody who has neither temper nor, for ONNX, PyTorch.
ELSEWHERE = """
import json, sys
import numpy as np
import onnxruntime

folder, rows = sys.argv[1], np.load(sys.argv[2]).astype(np.float32)
session = onnxruntime.InferenceSession(folder + "/model.onnx")
(given,) = session.run(["probabilities"], {"rows": rows})
(one,) = session.run(None, {"rows": rows[:1]})
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
assert "torch" not in sys.modules
import torch

held = {"metadata.json": ""}
program = torch.export.load(folder + "/model.pt2", extra_files=held).module()
theirs = program(torch.from_numpy(rows))
assert "temper" not in sys.modules
print(json.dumps({
    "onnx": given.tolist(), "one": one.tolist(), "torch": theirs.tolist(), "names": names,
    "meaning": json.loads(held["metadata.json"]),
}))
"""


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rivals run a few times only: no test is of how long they take."""
    monkeypatch.setattr(checking, "SECONDS", 0.001)
    monkeypatch.setattr(checking, "ROUNDS", 1)


def exported(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    export.main([*map(str, words), "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def refused(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        export.main([*map(str, words)])
    assert caught.value.code == code
    return capsys.readouterr().err


def predicted(capsys: pytest.CaptureFixture[str], run: Path, table: Path) -> list[dict[str, str]]:
    capsys.readouterr()
    predict.main([str(run), str(table)])
    return list(csv.DictReader(capsys.readouterr().out.splitlines()))


def test_files_answer_elsewhere_as_predict_does_here(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=mlp", "epochs=3")
    capsys.readouterr()
    export.main([str(tmp_path / "run")])
    said = capsys.readouterr().out
    for words in ("PyTorch", "torch.export", "ONNX Runtime", "model.pt2", "takes rows (n, 64), gives probabilities"):
        assert words in said
    assert "test_time_augmentation" not in said
    assert not list((tmp_path / "run").glob(".export-*"))

    np.save(tmp_path / "rows.npy", load_digits().data[:5])
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "run"), str(tmp_path / "rows.npy")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert np.allclose(answer["one"][0], answer["onnx"][0], atol=1e-6)
    here = predicted(capsys, tmp_path / "run", tmp_path / "rows.npy")
    assert len({row["prediction"] for row in here}) > 1
    for form in ("onnx", "torch"):
        for row, shares in zip(here, answer[form], strict=True):
            assert answer["names"][int(np.argmax(shares))] == row["prediction"]
            assert max(shares) == pytest.approx(float(row["probability"]), abs=2e-6)
            assert sum(shares) == pytest.approx(1, abs=1e-5)
    meaning = {"takes": "rows", "shape": [64], "gives": "probabilities", "class_names": list("0123456789")}
    assert answer["meaning"] == {**meaning, "columns": [], "fills": []}


def test_images_come_as_they_are_stored_and_views_are_left_out(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("preprocessing=[median,normalize]", "test_time_augmentation=mirror")
    train("task=cifar_resnet", "task.depth=8", "task.widths=[4,4,4]", "debug=steps", *words)
    told = exported(capsys, tmp_path / "run", "--output", tmp_path / "mine.onnx")
    assert told["takes"] == "images"
    assert told["shape"] == [3, 32, 32]
    assert told["left_out"] == {"test_time_augmentation": "mirror"}
    assert told["examples"] == 20
    file = told["files"]["onnx"]
    assert file["path"] == str(tmp_path / "mine.onnx")
    assert file["bytes"] == (tmp_path / "mine.onnx").stat().st_size
    assert 0 < file["difference"] < 1e-5 < told["tolerance"]
    assert 0 < file["latency_seconds"] < 1
    assert list(told["files"]) == ["onnx"]

    images = torch.randint(256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    plain = predict.Predictor.of(predict.Trained.find(str(tmp_path / "run"), "RUN"), "none")
    given = FORMATS["onnx"].load(tmp_path / "mine.onnx")(images)
    torch.testing.assert_close(given, plain._outputs(images).softmax(1), atol=1e-5, rtol=0)


def test_values_come_in_the_targets_own_units(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("preprocessing=[standardize]", "preprocessing.standardize.target=true", "data.intercept=1000.0")
    train("task=linear_regression", "data.slope=30.0", *words, "epochs=20", "optimizer.lr=0.05")
    told = exported(capsys, tmp_path / "run", "--output", tmp_path)
    assert (told["takes"], told["gives"], told["class_names"]) == ("rows", "values", [])
    np.save(tmp_path / "x.npy", np.array([[0.0], [0.5], [1.0]]))
    here = [float(row["prediction"]) for row in predicted(capsys, tmp_path / "run", tmp_path / "x.npy")]
    assert here == pytest.approx([1000.5, 1015.5, 1030.5], abs=1.0)  # y = 30x + 1000, and the noise adds a half
    for form in FORMATS.values():
        given = form.load(tmp_path / f"model{form.suffix}")(torch.tensor([[0.0], [0.5], [1.0]]))
        assert given.dtype == torch.float64
        assert given.tolist() == pytest.approx(here, rel=5.1e-7)  # predict.py tells seven digits


def test_a_tables_columns_are_named_in_the_files(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "my_table.csv").open("a") as file:
        file.write("\n,red,kind_0")
    train("data=table", "data.path=my_table.csv", "data.target=species", "data.missing=mean", "epochs=1")
    told = exported(capsys, tmp_path / "run")
    assert told["columns"] == ["length", "colour=blue", "colour=red"]
    mean, *words = told["fills"]
    assert (2 < mean < 7, words) == (True, [0, 0])
    held = {"metadata.json": ""}
    torch.export.load(tmp_path / "run" / "model.pt2", extra_files=held)
    onnx = onnxruntime.InferenceSession(tmp_path / "run" / "model.onnx").get_modelmeta().custom_metadata_map
    for key in ("columns", "fills"):
        assert json.loads(held["metadata.json"])[key] == json.loads(onnx[key]) == told[key]
    (tmp_path / "gap.csv").write_text("length,colour\n,red\n")
    (here,) = predicted(capsys, tmp_path / "run", tmp_path / "gap.csv")
    given = FORMATS["torch"].load(tmp_path / "run" / "model.pt2")(torch.tensor([[mean, 0, 1]]))
    assert given[0].max().item() == pytest.approx(float(here["probability"]), rel=1e-5)
    export.main([str(tmp_path / "run"), "--force"])
    said = capsys.readouterr().out
    assert "its columns, in order: length, colour=blue, colour=red; of a word, 1 where it stands" in said
    assert f"in place of a missing value: length {mean:g}, colour=blue 0, colour=red 0" in said


def test_one_logit_becomes_two_probabilities_and_float64_stays(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("data=tanh_threshold", "loss=binary_cross_entropy", "precision=64-true")
    train("task=mlp", "task.hidden=[]", *words, "epochs=5")
    said = refused(capsys, tmp_path / "run")
    assert "--format onnx: ONNX Runtime has no float64" in said
    assert "precision=64-true: choose --format torch" in said
    told = exported(capsys, tmp_path / "run", "--format", "torch")
    assert told["class_names"] == ["below", "reached"]
    assert told["tolerance"] == 1e-10
    given = FORMATS["torch"].load(tmp_path / "run" / "model.pt2")(torch.tensor([[0.0], [1.0]]))
    assert given.dtype == torch.float64
    np.save(tmp_path / "x.npy", np.array([[0.0], [1.0]]))
    for row, (below, reached) in zip(
        predicted(capsys, tmp_path / "run", tmp_path / "x.npy"), given.tolist(), strict=True
    ):
        assert below + reached == pytest.approx(1)
        assert row["prediction"] == ("reached" if reached > below else "below")
        assert float(row["probability"]) == pytest.approx(max(below, reached), abs=1e-6)


def test_whole_numbers_stay_whole(
    small_cifar10: None, train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words in {"whole": ["quantization=static"], "float": []}.items():
        train("task=cifar_resnet", "task.depth=8", "trainer.threads=1", *words, "debug=steps", folder=tmp_path / name)
    capsys.readouterr()
    whole, floating = (exported(capsys, tmp_path / name) for name in ("whole", "float"))
    assert all(file["difference"] <= 1e-3 for file in whole["files"].values())
    weights = 78_042 - 672 - 10  # of the layers: without those of norms, and the head's bias
    # A byte for each weight in the place of four; beside them, what says how they are rounded.
    assert floating["files"]["onnx"]["bytes"] - whole["files"]["onnx"]["bytes"] > 2.5 * weights
    held = onnx.load(tmp_path / "whole" / "model.onnx").graph.initializer
    assert sum(math.prod(each.dims) for each in held if each.data_type == onnx.TensorProto.INT8) == weights
    train("task=mlp", "quantization=static", "debug=steps", folder=tmp_path / "small")
    capsys.readouterr()
    export.main([str(tmp_path / "small")])
    assert "may differ by 0.001 on average" in capsys.readouterr().out


def test_a_run_that_has_rounded_nothing_yet(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("task=mlp", "quantization=static", "quantization.start=0.9", "epochs=2", "pause=1", "trainer=cpu")
    found = exported(capsys, tmp_path / "run")
    assert all(file["difference"] <= 1e-5 for file in found["files"].values())


def test_what_answers_otherwise_is_not_written(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train("task=mlp", "epochs=1")
    (tmp_path / "before.pt2").write_text("of before")
    honest = formats._load_program

    def wrong(path: Path) -> formats.Answer:
        answer = honest(path)

        def wronged(inputs: Tensor) -> Tensor:
            return answer(inputs) + (0.01 if len(inputs) == 1 else 0.0)  # of single examples alone

        return wronged

    form = {**FORMATS, "torch": formats.Format(**{**vars(FORMATS["torch"]), "load": wrong})}
    with monkeypatch.context() as patched:
        patched.setattr("temper.export.writing.FORMATS", form)
        said = refused(capsys, tmp_path / "run", "--output", tmp_path / "before.pt2", "--force", code=1)
    assert "before.pt2: its answers differ from the network's by 1.0e-02, and 0.001 is the most: not written" in said
    assert (tmp_path / "before.pt2").read_text() == "of before"
    assert not list(tmp_path.glob(".export-*"))
    exported(capsys, tmp_path / "run", "--output", tmp_path / "before.pt2", "--force")
    assert torch.export.load(tmp_path / "before.pt2")


def test_refuses(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    assert f"RUN={tmp_path / 'nowhere'}: there is no" in refused(capsys, tmp_path / "nowhere")
    train("task=mlp", "debug=steps")
    (run / "model.onnx").touch()
    said = refused(capsys, run)
    assert f"{run / 'model.onnx'} is there already: --force replaces it" in said
    assert "make it first" in refused(capsys, run, "--output", tmp_path / "no" / "model.onnx")
    said = refused(capsys, run, "--output", tmp_path / "model.onnx", "--format", "both")
    assert "is no folder, and --format both writes .pt2 and .onnx: name a folder, or one file" in said
    assert "--format torch writes .pt2" in refused(capsys, run, "--output", tmp_path / "a.onnx", "--format", "torch")
    assert "ends in .pt2 or .onnx" in refused(capsys, run, "--output", tmp_path / "model.h5")
    assert "data lies in no folder or file: leave --root away" in refused(capsys, run, "--force", "--root", tmp_path)
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name.startswith("onnxs") else object())
    said = refused(capsys, run, "--force")
    assert "--format onnx: needs onnxscript: pip install -e '.[export]', or choose --format torch" in said
    assert not (run / "model.pt2").exists()


def test_asks_for_the_data_that_it_compares_on(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train("data=image_folder", "data.root=my_photos", "data.size=8", "preprocessing=[normalize]", "epochs=1")
    (tmp_path / "my_photos").rename(tmp_path / "moved")
    assert "name the folder with a subfolder a class" in refused(capsys, tmp_path / "run", "--format", "torch")
    told = exported(capsys, tmp_path / "run", "--format", "torch", "--root", tmp_path / "moved")
    assert told["shape"] == [3, 8, 8]
    assert told["class_names"] == ["kind_0", "kind_1", "kind_2"]
    assert FORMATS["torch"].load(tmp_path / "run" / "model.pt2")(torch.zeros(4, 3, 8, 8).byte()).shape == (4, 3)

    def gone(self: ImageFolder) -> None:
        raise ValueError("it is gone")

    monkeypatch.setattr(ImageFolder, "splits", gone)
    said = refused(capsys, tmp_path / "run", "--format", "torch", "--force", "--root", tmp_path / "moved")
    assert said == "temper: it is gone (here: --root PLACE)\n"
