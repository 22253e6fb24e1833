"""A folder of images against its own pixels, and each fault in it by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from temper.command.job import Job
from temper.data import image_folder
from temper.data.image_folder import ImageFolder
from temper.data.pictures import Pictures
from temper.data.pipeline import Pipeline
from temper.data.reading import read_image
from temper.facts import Splits
from temper.preprocessing.normalize import Normalize


def photos(root: Path, /, **knobs: Any) -> ImageFolder:
    defaults = {"size": 8, "validation": 0.25, "test": 0.25, "skip_broken": False, "drop_last": False}
    defaults |= {"cache": None, "in_memory": None, "workers": 0}
    defaults |= {"label_noise": None, "imbalance": None, "input_noise": None}
    return ImageFolder(**{"root": str(root), **defaults, **knobs})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for kind in ("cat", "dog", "eel"):
        (tmp_path / kind / "deep").mkdir(parents=True)
        for index in range(8):
            pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / kind / ("deep" if index == 0 else "") / f"{index}.png")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cat" / ".DS_Store").write_text("no image")
    (tmp_path / "readme.txt").write_text("no class")
    return tmp_path


def test_every_image_is_in_one_part_with_its_folders_class(root: Path) -> None:
    data = photos(root)
    splits = data.splits()
    assert splits.validation is not None
    parts = (splits.train, splits.validation, splits.test)
    assert [part.targets.bincount().tolist() for part in parts] == [[4] * 3, [2] * 3, [2] * 3]
    ours = {
        tuple(image.flatten().tolist()): int(target)
        for part in parts
        for image, target in zip(part.inputs, part.targets, strict=True)
    }
    theirs = {}
    for target, kind in enumerate(("cat", "dog", "eel")):
        for path in (root / kind).rglob("*.png"):
            theirs[tuple(np.asarray(Image.open(path)).transpose(2, 0, 1).flatten().tolist())] = target
    assert ours == theirs
    assert splits.train.inputs.dtype == torch.uint8
    assert (data.classes, data.validates, splits.class_names, splits.note) == (3, True, ("cat", "dog", "eel"), None)
    assert torch.equal(splits.train.inputs, data.splits().train.inputs)
    for part in parts:  # also of the first few, which the training figures are measured on
        assert part.targets[: len(part) // 2].bincount().tolist() == [len(part) // 6] * 3


def places(data: ImageFolder, splits: Splits) -> set[str]:
    """Return the files of all parts, after each was held against the example that is said to be of it."""
    found: set[str] = set()
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        assert part.origins is not None
        named = data.places(part.origins.tolist())
        pictures: Any = part.inputs
        for place, target, image in zip(named, part.targets.tolist(), pictures, strict=True):
            assert place.split("/")[0] == splits.class_names[target]
            assert torch.equal(image, data.read(data._root / place)[0])
        found |= set(named)
    return found


@pytest.mark.parametrize("in_memory", [True, False])
def test_each_example_tells_its_file(root: Path, tmp_path_factory: pytest.TempPathFactory, in_memory: bool) -> None:
    data = photos(root, in_memory=in_memory, cache=str(tmp_path_factory.mktemp("cache")))
    for _ in range(2):  # decoded, then of the cache
        assert places(data, data.splits()) == {path.relative_to(root).as_posix() for path in root.rglob("[0-9].png")}
    corrupted = photos(root, in_memory=in_memory, label_noise=0.5, input_noise=0.2, imbalance=2.0).splits()
    assert corrupted.test.origins is not None
    assert torch.equal(corrupted.test.origins, photos(root).splits().test.origins)
    assert corrupted.train.origins is not None
    assert len(corrupted.train.origins) == len(corrupted.train)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_any_size_and_mode_comes_in_rgb_at_the_size(tmp_path: Path, mode: str) -> None:
    (tmp_path / "kind").mkdir()
    white = (
        Image.fromarray(np.full((5, 30), 65535, np.uint16)) if mode == "I;16" else Image.new("RGB", (30, 5), "white")
    )
    name = "picture.jpg" if mode == "CMYK" else "picture.png"
    (white if mode == "I;16" else white.convert(mode)).save(tmp_path / "kind" / name)
    inputs = photos(tmp_path, size=6, validation=0.0, test=0.0).splits().train.inputs
    assert inputs.shape == (1, 3, 6, 6)
    assert set(inputs.flatten().tolist()) == {255}


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photo_stands_as_it_was_meant_to_be_seen(tmp_path: Path, turned: int) -> None:
    seen = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
    undone = {  # EXIF 2.32, table 6: which side of the stored picture is the visual top, and which the left-hand side
        1: seen, 2: seen[:, ::-1], 3: seen[::-1, ::-1], 4: seen[::-1], 5: seen.T, 6: np.rot90(seen),
        7: seen[::-1, ::-1].T, 8: np.rot90(seen, -1),
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turned
    Image.fromarray(np.ascontiguousarray(undone[turned])).save(tmp_path / "photo.png", exif=exif)
    assert read_image(tmp_path / "photo.png", height=4, width=6)[0, 0].tolist() == seen.tolist()


@pytest.mark.parametrize("name", ["deep.tif", "deep.pgm", "deep.png"])
def test_of_sixteen_bits_the_upper_are_taken(tmp_path: Path, name: str) -> None:
    Image.fromarray(np.array([[0, 256], [30000, 65535]], np.uint16)).save(tmp_path / name)
    assert read_image(tmp_path / name, height=2, width=2)[0, 0].tolist() == [[0, 1], [117, 255]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([[0, 65536]], np.int32), "from 0 to 65536"),
        (np.array([[-1, 5]], np.int32), "from -1 to 5"),
        (np.array([[0, 0.5]], np.float32), r"from 0 to 0\.5"),
    ],
)
def test_values_without_a_known_white_are_refused(tmp_path: Path, values: Any, said: str) -> None:
    (tmp_path / "kind").mkdir()
    Image.fromarray(values).save(tmp_path / "kind" / "raw.tif")
    with pytest.raises(ValueError, match=rf"raw\.tif: holds values {said}, .*save it in 8 or 16 bits"):
        photos(tmp_path, size=6, validation=0.0, test=0.0).splits()


@pytest.mark.parametrize(("mode", "through"), [("P", bytes([0, 9] * 128)), ("P", 3), ("L", 7), ("RGB", (1, 2, 3))])
def test_what_shines_through_is_seen_as_it_is_stored(tmp_path: Path, mode: str, through: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).convert(mode)
    picture.save(tmp_path / "glass.png", transparency=through)  # Pillow would warn, and warnings are errors here
    image = read_image(tmp_path / "glass.png", height=9, width=9)
    assert image[0].permute(1, 2, 0).tolist() == np.asarray(picture.convert("RGB")).tolist()


def test_a_link_that_leads_nowhere_is_named(root: Path) -> None:
    (root / "cat" / "gone.png").symlink_to(root / "absent.png")
    for in_memory in (True, False):
        with pytest.raises(ValueError, match=r"cat/gone\.png: there is no such file.*skip_broken=true"):
            photos(root, in_memory=in_memory).splits()
        assert "gone.png" in str(photos(root, in_memory=in_memory, skip_broken=True).splits().note)


def test_corrupted_alike_in_memory_and_from_disk(root: Path) -> None:
    clean = photos(root).splits()
    knobs = {"label_noise": 0.25, "imbalance": 2.0, "input_noise": 0.1}
    held, read = photos(root, **knobs).splits(), photos(root, **knobs, in_memory=False).splits()
    assert len(held.train) == 8  # 4, 2.8 and 2 of a class, rounded down
    assert held.note == read.note == "label_noise=0.25: 2 of 8 training labels are wrong"
    for part in ("train", "validation", "test"):
        one, other, before = (getattr(each, part) for each in (held, read, clean))
        assert isinstance(other.inputs, Pictures)
        assert torch.equal(one.inputs, other.inputs.sample())
        assert torch.equal(one.inputs[2:5], other.inputs[2:5].sample())
        assert torch.equal(one.targets, other.targets)
        if part != "train":
            assert torch.equal(one.targets, before.targets)
            middle = (before.inputs > 90) & (before.inputs < 165)
            moved = (one.inputs.int() - before.inputs.int())[middle].float()
            assert moved.std().item() == pytest.approx(25.5, rel=0.2)
    with pytest.raises(ValueError, match=r"data\.imbalance=5 leaves the last class none of its 4"):
        photos(root, imbalance=5.0).splits()


def test_the_users_folder_is_left_as_it_is(root: Path) -> None:
    before = {path: path.lstat().st_mtime_ns for path in [root, *root.rglob("*")]}
    photos(root).splits()
    photos(root, in_memory=False, skip_broken=True).splits()
    assert {path: path.lstat().st_mtime_ns for path in [root, *root.rglob("*")]} == before  # it may be read-only


def test_sixteen_bits_keep_their_shades(tmp_path: Path) -> None:
    (tmp_path / "kind").mkdir()
    Image.fromarray(np.array([[0, 0x4012], [0x80FF, 0xFFFF]], np.uint16)).save(tmp_path / "grey.png")
    image = photos(tmp_path, size=2).read(tmp_path / "grey.png")
    assert image[0, 0].tolist() == [[0, 0x40], [0x80, 0xFF]]


def test_broken_files_are_named_and_left_out_only_if_asked(root: Path) -> None:
    (root / "dog" / "words.png").write_text("no image")
    whole = (root / "cat" / "1.png").read_bytes()
    (root / "cat" / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cat/1\.png: is no image.*dog/words\.png: is no image.*skip_broken=true"):
        photos(root).splits()
    splits = photos(root, skip_broken=True).splits()
    assert splits.validation is not None
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == 23
    assert splits.note is not None
    assert "2 broken files left out" in splits.note
    for in_memory in (True, False):
        assert places(photos(root), photos(root, skip_broken=True, in_memory=in_memory).splits()) == {
            path.relative_to(root).as_posix() for path in root.rglob("[0-9].png") if path != root / "cat" / "1.png"
        }
    assert "words.png" in splits.note
    for index in range(9):
        (root / "eel" / f"x{index}.png").write_text("no image")
    with pytest.raises(ValueError, match="and 6 more"):
        photos(root).splits()


def test_an_empty_class_is_named(root: Path) -> None:
    (root / "fox").mkdir()
    with pytest.raises(ValueError, match=r"/fox holds no image"):
        photos(root).splits()
    (root / "fox" / "words.png").write_text("no image")
    (root / "cat" / "1.png").write_text("no image")
    with pytest.raises(ValueError, match=r"/fox holds no file that can be read as an image: .*/fox/words\.png"):
        photos(root, skip_broken=True).splits()


def test_what_does_not_fit_in_memory_stays_on_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = 24 * 3 * 8 * 8
    monkeypatch.setattr(image_folder, "_free_memory", lambda: 2 * needed)
    held = photos(root).splits()
    assert isinstance(held.train.inputs, torch.Tensor)
    monkeypatch.setattr(image_folder, "_free_memory", lambda: 2 * needed - 1)
    left = photos(root).splits()
    pictures: Any = left.train.inputs
    assert isinstance(pictures, Pictures)
    assert torch.equal(pictures.sample(), held.train.inputs)
    assert torch.equal(left.train.targets, held.train.targets)
    assert isinstance(photos(root, in_memory=True).splits().train.inputs, torch.Tensor)
    assert left.note == held.note


def test_preprocessing_is_fitted_alike_in_memory_and_from_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.data.pictures.FITTED_ON", 5)
    steps = {"normalize": Normalize(mean=None, std=None)}
    one, other = (
        Pipeline.fit(steps, photos(root, in_memory=held).splits().train, sampled=ImageFolder.many).fitted["normalize"]
        for held in (True, False)
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    whole = Pipeline.fit(steps, photos(root, in_memory=True).splits().train).fitted["normalize"]
    assert not torch.equal(whole["mean"], one["mean"])


def test_is_decoded_once_until_a_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = photos(root).splits()
    with monkeypatch.context() as patched:
        patched.setattr(image_folder, "read_image", lambda *_, **__: pytest.fail("decoded again"))
        assert torch.equal(photos(root).splits().train.inputs, first.train.inputs)
    for path in root.rglob("*.png"):
        Image.new("RGB", (20, 20), (1, 2, 3)).save(path)
    assert photos(root).splits().train.inputs[0, :, 0, 0].tolist() == [1, 2, 3]


def test_free_memory_is_what_the_machine_has() -> None:
    assert 1e7 < image_folder._free_memory() < 1e14


def test_reads_any_picture_at_the_size(root: Path) -> None:
    assert photos(root, size=5).read(root / "cat" / "1.png").shape == (1, 3, 5, 5)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"root": None}, r"data\.root=FOLDER"),
        ({"root": " "}, r"data\.root=FOLDER"),
        ({"root": "/nowhere"}, "root=/nowhere: there is no /nowhere"),
        ({"size": 0}, "size"),
        ({"validation": 1.0}, "validation"),
        ({"test": -0.1}, "test"),
        ({"skip_broken": "yes"}, "skip_broken"),
    ],
)
def test_refuses(root: Path, bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        photos(root, **bad)


def test_refuses_a_folder_without_classes_and_shares_of_nothing(root: Path) -> None:
    with pytest.raises(ValidationError, match="has no subfolder"):
        photos(root / "dog" / "deep")
    with pytest.raises(ValueError, match=r"data\.validation=0\.01 of 24 examples is none"):
        photos(root, validation=0.01).splits()


def test_one_class_is_none(job_of: Callable[..., Job], tmp_path: Path) -> None:
    (tmp_path / "photos" / "only").mkdir(parents=True)
    for loss in ("cross_entropy", "mse"):
        with pytest.raises(ValueError, match=r"data=image_folder holds but one class.*add examples of another"):
            job_of("task=mlp", "data=image_folder", f"data.root={tmp_path / 'photos'}", f"loss={loss}")
