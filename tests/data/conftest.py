"""Small files in the formats of the public sets, and the knobs that are of no interest."""

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.data import idx
from temper.data.idx import IdxImages
from temper.data.pickled import CIFARImages
from temper.data.table import Table

CLEAN = {"label_noise": None, "imbalance": None, "input_noise": None}
ROWS = ["length,colour,width,kind", "1.5,red,1,cat", "2.5,blue,2,dog", "3.5,red,3,cat", "4.5,green,4,dog"]
KNOBS = {"download": False, "cache": None, "drop_last": False, **CLEAN}


def digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def idx_contents() -> dict[str, bytes]:
    """Return the four files of a set in MNIST's format: 60 training and 20 test images, each class as often."""
    draw = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = struct.pack(">4I", 0x803, count, 28, 28) + pixels.tobytes()
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">2I", 0x801, count) + bytes(i % 10 for i in range(count))
    return files


def accept(record: type[IdxImages], contents: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``contents`` the official ones of ``record``."""
    assert set(contents) == set(record.unzipped)
    monkeypatch.setattr(idx, "LENGTHS", {name: len(content) for name, content in contents.items()})
    monkeypatch.setattr(record, "unzipped", {name: digest(content) for name, content in contents.items()})


def accept_pickles(record: type[CIFARImages], contents: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``contents`` the official ones of ``record``."""
    parts = ("train_files", "test_files", "names_files")
    assert set(contents) == {name for part in parts for name in getattr(record, part)}
    for part in parts:
        known = {name: (len(contents[name]), digest(contents[name])) for name in getattr(record, part)}
        monkeypatch.setattr(record, part, known)


def listed(theirs: Any) -> dict[str, str]:
    """Return the MD5 of each file of a CIFAR of torchvision's."""
    return dict([*theirs.train_list, *theirs.test_list, (theirs.meta["filename"], theirs.meta["md5"])])


def table(path: Path, /, **knobs: Any) -> Table:
    lists = {"categorical": None, "ignore": None, "label_noise": None, "imbalance": None, "input_noise": None}
    shares = {"validation": 0.0, "test": 0.0, "drop_last": False}
    return Table(
        **{"path": str(path), "target": "kind", "kind": "auto", "missing": "refuse", **lists, **shares, **knobs}
    )


def write_table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path
