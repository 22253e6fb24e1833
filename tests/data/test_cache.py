"""What comes out of the cache is what went in, or it is made again: cut off, altered, stale, or not to be written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.data.cache import cached, file_stamps, user_cache
from temper.facts import Examples, Splits

SOURCES = {"a": [3, 17]}
PROCESS = """
import sys, time
from pathlib import Path
import torch
from temper.data.cache import cached
from temper.facts import Examples, Splits

def make():
    with Path(sys.argv[2]).open("a") as file:
        file.write("made\\n")
    time.sleep(0.5)
    part = Examples(torch.arange(12, dtype=torch.uint8).view(3, 1, 2, 2), torch.arange(3))
    return Splits(train=part, validation=None, test=part, class_names=("a",))

splits = cached(make, name="both", identity={}, sources={}, folder=sys.argv[1])
assert splits.note is None, splits.note
assert splits.train.inputs.flatten().tolist() == list(range(12))
"""


def splits(seed: int = 0, validation: bool = True) -> Splits:
    draw = torch.Generator().manual_seed(seed)

    def part(count: int) -> Examples:
        pixels = torch.randint(0, 256, (count, 3, 5, 7), dtype=torch.uint8, generator=draw)
        return Examples(pixels, torch.randint(0, 4, (count,), generator=draw))

    return Splits(
        train=part(11), validation=part(3) if validation else None, test=part(5), class_names=("ü", "b"), note="a note"
    )


class Maker:
    def __init__(self, seed: int = 0, validation: bool = True) -> None:
        self.made, self.seed, self.validation = 0, seed, validation

    def __call__(self) -> Splits:
        self.made += 1
        return splits(self.seed, self.validation)


def ask(maker: Callable[[], Splits], folder: Path, sources: object = SOURCES) -> Splits:
    return cached(maker, name="set", identity={"root": "x"}, sources={"files": sources}, folder=str(folder))


def assert_same(one: Splits, other: Splits) -> None:
    assert (one.class_names, one.note) == (other.class_names, other.note)
    for first, second in ((one.train, other.train), (one.validation, other.validation), (one.test, other.test)):
        if second is None:
            assert first is None
            continue
        assert first is not None
        assert torch.equal(first.inputs, second.inputs)
        assert first.inputs.dtype == torch.uint8
        assert torch.equal(first.targets, second.targets)


@pytest.mark.parametrize("validation", [True, False])
def test_what_comes_out_is_what_went_in(validation: bool, tmp_path: Path) -> None:
    maker = Maker(validation=validation)
    first, second = ask(maker, tmp_path / "new" / "cache"), ask(maker, tmp_path / "new" / "cache")
    assert maker.made == 1
    assert_same(first, splits(validation=validation))
    assert_same(second, splits(validation=validation))
    assert len(list((tmp_path / "new" / "cache").iterdir())) == 1


def test_a_write_stays_in_this_process(tmp_path: Path) -> None:
    maker = Maker()
    ask(maker, tmp_path).train.inputs.zero_()
    assert_same(ask(maker, tmp_path), splits())
    assert maker.made == 1


def test_other_sources_are_read_anew(tmp_path: Path) -> None:
    ask(Maker(0), tmp_path)
    assert_same(ask(Maker(1), tmp_path, {"a": [3, 18]}), splits(1))
    again = Maker(1)
    assert_same(ask(again, tmp_path, {"a": [3, 18]}), splits(1))
    assert again.made == 0


@pytest.mark.parametrize("kept", [0, 7, 20, 500, 4096, 5000, -1])
def test_a_file_that_is_cut_off_is_made_again(kept: int, tmp_path: Path) -> None:
    ask(Maker(), tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    maker = Maker()
    assert_same(ask(maker, tmp_path), splits())
    assert_same(ask(maker, tmp_path), splits())
    assert maker.made == 1


@pytest.mark.parametrize("place", [0, 9, 17, *range(20, 460, 31), 4100, -70])  # up to 460: the header
def test_an_altered_byte_is_found(place: int, tmp_path: Path) -> None:
    ask(Maker(), tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    maker = Maker()
    assert_same(ask(maker, tmp_path), splits())
    assert maker.made == 1


def test_where_nothing_can_be_written_memory_holds_it_and_a_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = ask(Maker(), tmp_path / "file" / "cache")
    assert found.note is not None
    assert found.note.startswith("a note; held in memory alone, as ")
    assert "data.cache=FOLDER" in found.note
    assert "\n" not in found.note
    assert torch.equal(found.train.inputs, splits().train.inputs)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in str(ask(Maker(), tmp_path).note)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_when_the_file_is_made(tmp_path: Path) -> None:
    ask(Maker(), tmp_path)
    (made,) = tmp_path.iterdir()
    made.unlink()
    old, new = (tmp_path / f".{made.stem}-{name}" for name in ("old", "new"))
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    ask(Maker(), tmp_path)
    assert set(tmp_path.iterdir()) == {made, new}  # the new one may be another machine's, at work


def test_others_may_read_what_the_user_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        ask(Maker(), tmp_path)
    finally:
        os.umask(before)
    (made,) = tmp_path.iterdir()
    assert made.stat().st_mode & 0o777 == 0o640


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", none)
    found = cached(splits, name="set", identity={}, sources={}, folder=None)
    assert "held in memory alone, as ~/.cache cannot be written (Could not determine home" in str(found.note)


@pytest.mark.slow
def test_of_two_processes_one_makes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "cache"), str(tmp_path / "made")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (tmp_path / "made").read_text().splitlines() == ["made"]


def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    before = file_stamps({"a": tmp_path / "a"})
    (tmp_path / "a").write_bytes(b"123")
    assert file_stamps({"a": tmp_path / "a"}) != before


def test_the_user_s_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert user_cache() == Path("/some/where/temper")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_cache() == Path.home() / ".cache" / "temper"
