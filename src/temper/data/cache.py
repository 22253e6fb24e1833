"""A data set's splits as one file of raw bytes, mapped into memory: read at once, and shared by all processes.

    8 bytes     what kind of file this is
    8 bytes     the length of the header, little-endian, and 4 bytes of CRC-32 of it
    header      JSON: what the file was made from, each tensor's place and shape, CRC-32 of all that follows
    from 4096   the tensors, one after the other, each at a multiple of 64

It is written beside its place and moved there whole. When it is opened its length and checksum are looked at, and
whether its sources are still those it was made from; a file that fails in any of it is made again.
"""

import hashlib
import json
import os
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from temper.data.download import one_at_a_time
from temper.facts import Examples, Splits

_KIND = b"temper02"
_START = struct.Struct("<8sQI")  # kind, length and checksum of the header
_HEADER, _ALIGNED = 4096, 64  # bytes; a header that is longer moves the tensors to the next multiple
_AT_ONCE = 1 << 24  # bytes that are checked at a time
_PARTS = ("train", "validation", "test")
_LEFT_SECONDS = 3600.0  # a file half written that was not touched for so long was left by a process that was killed


class Unusable(Exception):
    """The file is not there, damaged, or of other sources."""


def cached(
    make: Callable[[], Splits],
    *,
    name: str,
    identity: Mapping[str, Any],
    sources: Mapping[str, Any],
    folder: str | None,
) -> Splits:
    """Return what ``make`` returns, from the cache where that holds it.

    Args:
        make: reads the data set.
        name: of the data set, as it is to stand in the file's name.
        identity: which data set this is, and how it is split: a file of its own for each.
        sources: what the files looked like that it is read from (plain values): when that changes it is read anew.
        folder: that holds the cache; None for the user's own cache folder.
    """
    try:
        place = Path(folder).expanduser() if folder is not None else user_cache()
    except RuntimeError as fault:  # nobody's home, as in a container with a user of its own
        return _alone(make(), folder or "~/.cache", fault)
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = place.absolute() / f"{name}-{key}.bin"
    stamp = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    with suppress(Unusable):
        return _opened(path, stamp)
    with one_at_a_time(f"cache-{path.name}"):  # the second of two processes finds what the first has made
        with suppress(Unusable):
            return _opened(path, stamp)
        made = make()
        try:
            _write(path, made, stamp)
            return _opened(path, stamp)
        except (OSError, Unusable) as fault:
            return _alone(made, str(place), fault)


def _alone(made: Splits, place: str, fault: Exception) -> Splits:
    said = f"held in memory alone, as {place} cannot be written ({fault}): data.cache=FOLDER names another"
    return made.noted(said)


def user_cache() -> Path:
    """Return the folder for temper's caches: beneath XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "temper"


def file_stamps(paths: Mapping[str, Path]) -> dict[str, list[int]]:
    """Return each file's length in bytes and the time of its last change, by name: what tells that it was altered."""
    found = {}
    for name, path in paths.items():
        status = path.stat() if path.exists() else path.lstat()  # of a link that leads nowhere, its own
        found[name] = [status.st_size, status.st_mtime_ns]
    return found


def _opened(path: Path, stamp: str) -> Splits:
    """Return the splits that the file at ``path`` holds, their tensors mapped; a write to one stays in this process."""
    try:
        with path.open("rb") as file:
            kind, length, crc = _START.unpack(file.read(_START.size))
            text = file.read(length) if kind == _KIND else b""
            header: dict[str, Any] = json.loads(text) if text and zlib.crc32(text) == crc else {}
        size = path.stat().st_size
    except (OSError, struct.error, ValueError, OverflowError, MemoryError) as fault:
        raise Unusable(str(fault)) from None
    if not header or header["sources"] != stamp or header["bytes"] != size:
        raise Unusable("not of these sources, or cut off")
    whole = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    if _checksum(whole[header["start"] :]) != header["crc"]:
        raise Unusable("its checksum is another")
    tensors = {}
    for name, (start, shape, kind_of) in header["tensors"].items():
        dtype = getattr(torch, kind_of)
        count = dtype.itemsize * torch.Size(shape).numel()
        tensors[name] = whole[start : start + count].view(dtype).view(shape)
    parts = {
        part: Examples(tensors[f"{part}/inputs"], tensors[f"{part}/targets"], tensors.get(f"{part}/origins"))
        if f"{part}/inputs" in tensors
        else None
        for part in _PARTS
    }
    assert parts["train"] is not None
    assert parts["test"] is not None
    return Splits(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        class_names=tuple(header["class_names"]),
        note=header["note"],
    )


def _checksum(bytes_of: Tensor) -> int:
    crc = 0
    for chunk in torch.split(bytes_of, _AT_ONCE):
        crc = zlib.crc32(chunk.numpy().data, crc)
    return crc


def _write(path: Path, splits: Splits, stamp: str) -> None:
    tensors = dict(_tensors(splits))
    header: dict[str, Any] = {
        "sources": stamp,
        "class_names": list(splits.class_names),
        "note": splits.note,
        "tensors": {name: [0, list(tensor.shape), str(tensor.dtype)[6:]] for name, tensor in tensors.items()},
        "crc": 2**32,
        "bytes": 2**62,
        "start": 2**62,
    }
    longest = len(json.dumps(header)) + 24 * (len(tensors) + 1)  # the places are not known yet
    start = -(-(_START.size + longest) // _HEADER) * _HEADER
    place, crc = start, 0
    for name, tensor in tensors.items():
        header["tensors"][name][0] = place
        place += tensor.nbytes + -tensor.nbytes % _ALIGNED
        for chunk in _pieces(tensor):
            crc = zlib.crc32(chunk, crc)
    header |= {"crc": crc, "bytes": place, "start": start}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    _tidy(path)
    beside = path.parent / f".{path.stem}-{secrets.token_hex(4)}"
    try:
        with beside.open("xb") as file:  # with the user's own permissions: a shared folder's cache is for all
            file.write(_START.pack(_KIND, len(text), zlib.crc32(text)) + text)
            file.seek(start)
            for tensor in tensors.values():
                for chunk in _pieces(tensor):
                    file.write(chunk)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _tidy(path: Path) -> None:
    """Take away what was left half written of the file at ``path``."""
    for left in path.parent.glob(f".{path.stem}-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


def _pieces(tensor: Tensor) -> Iterator[Any]:
    yield tensor.contiguous().view(-1).view(torch.uint8).numpy()
    yield bytes(-tensor.nbytes % _ALIGNED)


def _tensors(splits: Splits) -> Iterator[tuple[str, Tensor]]:
    for part in _PARTS:
        examples: Examples | None = getattr(splits, part)
        if examples is not None:
            yield f"{part}/inputs", examples.inputs
            yield f"{part}/targets", examples.targets
            if examples.origins is not None:
                yield f"{part}/origins", examples.origins
