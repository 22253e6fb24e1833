"""CIFAR's files: Python 2 pickles of pixels and labels, of which only bytes with the official checksum are opened."""

import pickle
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from temper.data.download import fetch_folder
from temper.data.official import OfficialFiles
from temper.facts import Examples


def cifar_files(
    *, name: str, root: str, inside: str, files: dict[str, tuple[int | None, str]], url: str, archive_md5: str
) -> OfficialFiles:
    """Return the files of a CIFAR, which come as one archive at ``url``."""
    return OfficialFiles(
        name=name,
        root=root,
        inside=inside,
        files=files,
        by_hand=f"unpack {url} into a folder",
        fetch=lambda folder: fetch_folder(url, archive_md5, folder.parent, folder.name),
    )


def cifar_examples(files: OfficialFiles, names: Sequence[str], labels: str) -> Examples:
    """Return images (n, 3, 32, 32) uint8 and classes (n,) int64 of the files called ``names``, one after the other.

    Raises:
        ValueError: a file is not the official one; names it.
    """
    batches = [unpickled(files, name) for name in names]
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return Examples(torch.from_numpy(pixels), torch.tensor([label for batch in batches for label in batch[labels]]))


def unpickled(files: OfficialFiles, name: str) -> dict[str, Any]:
    """Return what the file called ``name`` holds; ValueError: it is not the official one."""
    content = files.content(name)
    with warnings.catch_warnings():
        # NumPy 2.4 warns of the integer flags with which Python 2 pickled these arrays in 2009.
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        held: dict[str, Any] = pickle.loads(content, encoding="latin1")
    return held
