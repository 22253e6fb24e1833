import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix
from tests.report.test_page import Page
from tests.scripts.conftest import load

from temper.data.diabetes import Diabetes
from temper.data.digits import Digits
from temper.explain import picture
from temper.explain.sheet import WIDTH
from temper.report.record import Report
from temper.training.trained import Trained

explain, evaluate, predict = load("explain"), load("evaluate"), load("predict")
RESNET = ("task=cifar_resnet", "task.depth=8", "task.widths=[4,4,4]", "trainer.threads=1")


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    explain.main([*map(str, words), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        explain.main([*map(str, words)])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("temper: ")
    assert said.count("\n") == 1
    return said


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the picture out, where a test looks at numbers."""
    monkeypatch.setattr(picture, "draw", lambda explanation, path: path.write_bytes(b"\x89PNG"))


def states(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return each file of ``folder`` by name, with when it was written and what it holds."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_images_are_drawn_and_nothing_else_in_the_folder_changes(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report: Report = train(*RESNET, "debug=steps", "test_time_augmentation=mirror", "precision=bf16-mixed")
    run = tmp_path / "run"
    before = states(run)
    capsys.readouterr()
    explain.main([str(run), "--mistakes", "4"])
    said = capsys.readouterr().out
    after = states(run)
    assert after.keys() - before.keys() == {"explained.png", "explained.html"}
    assert {name: after[name] for name in before} == before

    for words in ("the most confident mistakes, 4 of", "recall, worst first", "classes taken for each other"):
        assert words in said
    assert "note: without test_time_augmentation=mirror" in said
    assert str(run / "explained.html") in said
    with Image.open(run / "explained.png") as drawn:
        assert drawn.width == round(WIDTH * 130)
        assert drawn.height > drawn.width / 2
    found = Page((run / "explained.html").read_text())
    links = [value for _, attributes in found.tags for name, value in attributes.items() if name in ("src", "href")]
    assert len(links) == 1
    assert str(links[0]).startswith("data:image/png;base64,iVBOR")
    assert not {"script", "link", "iframe"} & {tag for tag, _ in found.tags}
    text = " ".join(" ".join(found.text).split())
    for words in ("Looking inside: cifar resnet on cifar10", "Grad-CAM", "layer activation", "Recall of each class"):
        assert words in text
    assert len([1 for _, attributes in found.tags if attributes.get("class") == "fill"]) == 10

    said = refused(capsys, run)
    assert "explained.png is there already: --force replaces it" in said
    answer = told(capsys, run, "--force", "--layer", "stages.0", "--mistakes", "100")
    assert (answer["method"], answer["layer"]) == ("Grad-CAM", "stages.0")
    assert answer["first_layer"] == {"name": "stem.conv", "shape": [4, 3, 3, 3]}
    assert len(answer["mistakes"]) == answer["wrong"]
    assert answer["wrong"] == round(20 * (1 - (report.metrics["test/accuracy"] or 0.0)))
    assert answer["per_class"] == report.per_class
    shares = [each["probability"] for each in answer["mistakes"]]
    assert shares == sorted(shares, reverse=True)
    assert all(each["probability"] > each["true_probability"] for each in answer["mistakes"])


def test_rows_of_pixels_are_pictures_and_agree_with_other_programs(
    train: Any, undrawn: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=mlp", "epochs=1")
    run = tmp_path / "run"
    answer = told(capsys, run, "--mistakes", "100", "--output", tmp_path)
    assert answer["files"] == {
        name: str(tmp_path / f"explained.{end}") for name, end in (("picture", "png"), ("page", "html"))
    }
    assert answer["method"] == "gradient × input"
    assert answer["layer"] is None
    assert answer["first_layer"]["shape"] == [128, 1, 8, 8]

    splits = Digits(
        validation=0.2, test=0.2, drop_last=False, label_noise=None, imbalance=None, input_noise=None
    ).splits()
    predictor = predict.Predictor.of(Trained.find(str(run), "RUN"), "none")
    outputs = predictor._outputs(splits.test.inputs)
    given, true = outputs.argmax(1), splits.test.targets
    assert answer["wrong"] == int((given != true).sum())
    for each in answer["mistakes"]:
        row = each["number"] - 1
        assert (each["given"], each["true"]) == (str(given[row].item()), str(true[row].item()))
        assert each["probability"] == pytest.approx(outputs[row].softmax(0).max().item(), abs=1e-6)
    counts = confusion_matrix(true, given)
    first = answer["confused"][0]
    most = max(counts[i, j] + counts[j, i] for i in range(10) for j in range(i))
    assert first["times"] + first["back"] == most
    assert counts[int(first["class"]), int(first["taken_for"])] == first["times"]
    assert answer["worst_class"] == min(answer["per_class"], key=lambda name: answer["per_class"][name])


def test_a_regression_tells_its_largest_errors_and_its_coefficients(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("data=diabetes", "preprocessing=[standardize]", "preprocessing.standardize.target=true", "epochs=3")
    report: Report = train("task=linear_regression", *words)
    answer = told(capsys, tmp_path / "run", "--mistakes", "3")
    errors = [abs(each["given"] - each["true"]) for each in answer["mistakes"]]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 3
    assert max(errors) > (report.metrics["test/rmse"] or 0.0)
    learned = [report.solution[f"w[{index}]"]["learned"] for index in range(10)]
    assert list(answer["coefficients"]) == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
    assert list(answer["coefficients"].values()) == pytest.approx(learned)
    assert answer["per_class"] == {}
    assert answer["confused"] == []
    splits = Diabetes(validation=0.2, test=0.2, drop_last=False).splits()
    deviation = splits.train.targets.std(correction=0).item()
    for each in answer["mistakes"]:
        row = splits.test.inputs[each["number"] - 1]
        scaled = (row - splits.train.inputs.mean(0)) / splits.train.inputs.std(0, correction=0)
        adds = (scaled * torch.tensor(learned) * deviation).tolist()  # of a line, what each feature adds to the value
        largest = sorted(zip(answer["coefficients"], adds, strict=True), key=lambda pair: -abs(pair[1]))[:3]
        assert each["features"] == pytest.approx(dict(largest), rel=1e-4)
        assert each["true"] == pytest.approx(splits.test.targets[each["number"] - 1].item(), abs=1e-3)
    text = (tmp_path / "run" / "explained.html").read_text()
    assert "what adds most to the value given" in text
    assert "the score of" not in text
    assert "in closed form" in text
    assert f"{report.solution['w[2]']['reference']:.6g}" in text


def test_one_logit_and_features_by_name(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=mlp", "task.hidden=[]", "data=tanh_threshold", "loss=binary_cross_entropy", "epochs=2")
    answer = told(capsys, tmp_path / "run")
    assert set(answer["coefficients"]) == {"x"}
    assert {each["given"] for each in answer["mistakes"]} <= {"below", "reached"}
    assert all(each["probability"] >= 0.5 for each in answer["mistakes"])

    table = ("data=table", "data.path=my_table.csv", "data.target=species")
    train("task=mlp", "task.hidden=[4]", *table, "preprocessing=[polynomial]", "epochs=1", folder=tmp_path / "table")
    answer = told(capsys, tmp_path / "table")
    assert answer["method"] is None
    known = {"length", "colour=blue", "colour=red", "length²", "length·colour=blue", "length·colour=red"}
    known |= {"colour=blue²", "colour=red²", "colour=blue·colour=red"}
    assert answer["mistakes"]
    assert {name for each in answer["mistakes"] for name in each["features"]} <= known
    lines = Path("my_table.csv").read_text().splitlines()
    for each in answer["mistakes"]:
        assert lines[int(each["place"].removeprefix("row ")) - 1].endswith(f",{each['true']}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("quantization=static",), "holds whole numbers"),
        (("pruning=channels", "pruning.start=0.0", "low_rank=truncated_svd", "low_rank.rank=1"), ""),
    ],
    ids=["whole numbers", "pruned and of low rank"],
)
def test_a_smaller_network_is_looked_into_as_well(
    train: Any,
    small_cifar10: None,
    undrawn: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    report: Report = train(*RESNET, "debug=steps", *words)
    answer = told(capsys, tmp_path / "run")
    assert answer["per_class"] == report.per_class  # of the network that is delivered
    assert answer["method"] == "Grad-CAM"
    assert answer["first_layer"]["shape"] == [4, 3, 3, 3]
    assert [note for note in answer["notes"] if said in note] == answer["notes"]
    assert bool(answer["notes"]) == bool(said)


def test_filtered_images_and_a_folder_of_them(
    train: Any, small_data: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whitened = ("task=convnet", "task.widths=[4,4]", "data=image_folder", "data.root=my_photos", "data.size=16")
    train(*whitened, "data.in_memory=false", "preprocessing=[patch_whitening]", "debug=steps")
    shutil.move(tmp_path / "my_photos", tmp_path / "moved")
    assert "there is no" in refused(capsys, tmp_path / "run")
    answer = told(capsys, tmp_path / "run", "--root", tmp_path / "moved")
    assert answer["first_layer"]["name"] == "patch_whitening"
    assert answer["layer"].startswith("stages.")
    assert set(answer["per_class"]) == {"kind_0", "kind_1", "kind_2"}
    assert answer["mistakes"]
    for each in answer["mistakes"]:
        assert each["place"].startswith(f"{each['true']}/")
        assert (tmp_path / "moved" / each["place"]).is_file()
    assert answer["mistakes"][0]["place"] in (tmp_path / "run" / "explained.html").read_text()


def test_what_is_missing_is_said_before_any_work(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    assert "RUN=" in refused(capsys, tmp_path / "nowhere")
    train(*RESNET, "debug=steps", "data.validation=0")
    assert "--set val: this run set no examples apart for it: choose --set test" in refused(capsys, run, "--set", "val")
    monkeypatch.setattr("temper.training.revisited.build_batches", lambda experiment: pytest.fail("work was done"))
    for number in ("0", "101"):
        assert f"--mistakes {number}: from 1 to 100" in refused(capsys, run, "--mistakes", number)
    assert f"--output {tmp_path / 'no'}: there is no folder" in refused(capsys, run, "--output", tmp_path / "no")
    assert "did you mean stages.1.0.body?" in refused(capsys, run, "--layer", "stages.1.0.bodi")
    said = refused(capsys, run, "--layer", "head")
    assert "--layer head: it puts out the shape (10,)" in said
    assert "such as activation" in said
    assert "this run's data lies in no folder" not in refused(capsys, run, "--layer", "head", "--root", tmp_path)
    train("task=mlp", "debug=steps", folder=tmp_path / "digits")
    said = refused(capsys, tmp_path / "digits", "--layer", "hidden.linear1")
    assert "no layer of this network puts out feature maps" in said
    assert "lies in no folder" in refused(capsys, tmp_path / "digits", "--root", tmp_path)
