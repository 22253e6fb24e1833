"""CIFAR-10 on a small folder in its format, its table of files against torchvision's, and what happens without it."""

import io
import pickle
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from pydantic import ValidationError
from tests.data.conftest import KNOBS, accept_pickles, digest, listed, write_files

from temper.data import download
from temper.data.cifar10 import CIFAR10

REAL = Path(__file__).parents[3] / "shared" / "data"


def cifar(root: Path, **knobs: Any) -> CIFAR10:
    return CIFAR10(**{"root": str(root), "validation": 10, **KNOBS, **knobs})


def contents() -> dict[str, bytes]:
    draw = np.random.default_rng(0)
    files = {"batches.meta": pickle.dumps({"label_names": [f"class{k}" for k in range(10)]})}
    for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
        pixels = draw.integers(0, 256, (20, 3072), dtype=np.uint8)
        files[name] = pickle.dumps({"data": pixels, "labels": [i % 10 for i in range(20)]})
    return files


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    made = contents()
    accept_pickles(CIFAR10, made, monkeypatch)
    return made


@pytest.fixture
def root(tmp_path: Path, files: dict[str, bytes]) -> Path:
    write_files(tmp_path / "data" / "cifar-10-batches-py", files)
    return tmp_path / "data"


def test_the_files_are_torchvisions() -> None:
    theirs, data = torchvision.datasets.CIFAR10, cifar(Path())
    assert {name: md5 for name, (_, md5) in data.files.files.items()} == listed(theirs)
    assert (theirs.url, theirs.tgz_md5, theirs.base_folder) == (data.url, data.archive_md5, data.inside)


def test_images_are_those_of_the_files(root: Path, files: dict[str, bytes]) -> None:
    data = cifar(root, validation=0)
    data.prepare()
    splits = data.splits()
    first = pickle.loads(files["data_batch_1"])
    assert splits.train.inputs.shape == (100, 3, 32, 32)
    assert splits.train.inputs.dtype == torch.uint8
    assert splits.train.inputs[7].flatten().tolist() == first["data"][7].tolist()
    assert splits.train.targets[:20].tolist() == first["labels"]
    assert (splits.validation, data.validates, len(splits.test)) == (None, False, 20)
    assert splits.class_names[3] == "class3"


def test_validation_holds_as_many_of_each_class(root: Path) -> None:
    splits = cifar(root, validation=30).splits()
    assert splits.validation is not None
    assert splits.validation.targets.bincount().tolist() == [3] * 10
    assert splits.train.targets.bincount().tolist() == [7] * 10
    rows = torch.cat((splits.train.inputs, splits.validation.inputs)).flatten(1).tolist()
    assert len({tuple(row) for row in rows}) == 100


@pytest.mark.skipif(not REAL.is_dir(), reason="the real images are not committed; they lie beside some checkouts only")
def test_the_real_images_are_torchvisions() -> None:
    data = cifar(REAL, validation=0)
    data.prepare()
    splits = data.splits()
    sums = splits.train.inputs.sum((0, 2, 3)).tolist()
    assert [total / (50000 * 1024 * 255) for total in sums] == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)
    assert splits.test.targets.bincount().tolist() == [1000] * 10
    assert splits.class_names[:2] == ("airplane", "automobile")


def test_the_folder_is_left_as_it_is(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    data = cifar(root)
    data.prepare()
    data.splits()
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before  # it may be read-only


def test_is_corrupted_when_asked(root: Path) -> None:
    clean = cifar(root).splits()
    corrupted = cifar(root, label_noise=0.5, imbalance=9.0, input_noise=0.1).splits()
    assert cifar(root, imbalance=9.0).splits().train.targets.bincount().tolist() == [9, 7, 5, 4, 3, 2, 2, 1, 1, 1]
    assert len(corrupted.train) == 35
    assert corrupted.note == "label_noise=0.5: 18 of 35 training labels are wrong"
    for before, after in ((clean.validation, corrupted.validation), (clean.test, corrupted.test)):
        assert before is not None
        assert after is not None
        assert after.targets.equal(before.targets)
        assert after.inputs.dtype == torch.uint8
        assert not after.inputs.equal(before.inputs)


def test_a_truncated_or_altered_or_missing_file_is_named(root: Path) -> None:
    batch = root / "cifar-10-batches-py" / "data_batch_3"
    whole = batch.read_bytes()
    batch.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"data_batch_3 has \d+ bytes instead of.*data\.root=FOLDER"):
        cifar(root).prepare()
    batch.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    cifar(root).prepare()
    with pytest.raises(ValueError, match=r"data_batch_3 is not the official file"):
        cifar(root).splits()
    batch.unlink()
    with pytest.raises(ValueError, match=r"data_batch_3 is missing"):
        cifar(root, download=True).prepare()


def archive(files: dict[str, bytes], path: Path) -> str:
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return digest(path.read_bytes())


def test_is_fetched_when_absent(tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CIFAR10, "archive_md5", archive(files, tmp_path / "a.tar.gz"))
    monkeypatch.setattr(CIFAR10, "url", (tmp_path / "a.tar.gz").as_uri())
    data = cifar(tmp_path / "new" / "data", download=True)
    data.prepare()
    assert len(data.splits().test) == 20
    assert [path.name for path in (tmp_path / "new" / "data").iterdir()] == ["cifar-10-batches-py"]


def test_a_damaged_archive_leaves_nothing(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(files, tmp_path / "a.tar.gz")
    monkeypatch.setattr(CIFAR10, "url", (tmp_path / "a.tar.gz").as_uri())
    with pytest.raises(ValueError, match="damaged"):
        cifar(tmp_path / "new" / "data", download=True).prepare()
    (tmp_path / "b.tar.gz").write_bytes(b"no archive")
    monkeypatch.setattr(CIFAR10, "archive_md5", digest(b"no archive"))
    monkeypatch.setattr(CIFAR10, "url", (tmp_path / "b.tar.gz").as_uri())
    with pytest.raises(ValueError, match="cannot be stored"):
        cifar(tmp_path / "new" / "data", download=True).prepare()
    assert not (tmp_path / "new").exists()


def test_gives_up_soon_and_leaves_nothing_without_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(download, "urlopen", lambda url, timeout: time.sleep(1))
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"not at .*nowhere.*did not answer.*data\.root=FOLDER"):
        cifar(tmp_path / "nowhere", download=True).prepare()
    assert time.monotonic() - start < 0.9
    assert not (tmp_path / "nowhere").exists()


def test_says_where_it_looked_when_it_may_not_fetch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not at /.*/nowhere/cifar-10-batches-py \(data\.download=false\)"):
        cifar(tmp_path / "nowhere").prepare()
    assert not (tmp_path / "nowhere").exists()


def test_reads_any_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 40), (10, 20, 30, 255)).save(tmp_path / "cat.png")
    image = cifar(tmp_path).read(tmp_path / "cat.png")
    assert image.shape == (1, 3, 32, 32)
    assert image[0, :, 5, 5].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    "bad",
    [
        {"root": ""},
        {"validation": -1},
        {"validation": 50000},
        {"download": "no"},
        {"label_noise": 1.1},
        {"imbalance": 1.0},
        {"input_noise": 0.0},
    ],
)
def test_refuses(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        cifar(**{"root": tmp_path, **bad})
