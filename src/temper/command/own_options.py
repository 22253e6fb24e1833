"""``--config-dir=FOLDER``: options of one's own, files FOLDER/AXIS/NAME.yaml beside those of conf/."""

from collections.abc import Sequence
from pathlib import Path

from temper.refusal import Refusal

FLAGS = ("--config-dir", "-cd")  # as Hydra has them


def parted(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Return the folder that ``arguments`` name, and the others of them.

    Raises:
        Refusal: it is none.
    """
    folder, others, left = None, [], iter(arguments)
    for word in left:
        flag, _, value = word.partition("=")
        if flag not in FLAGS:
            others.append(word)
            continue
        folder = Path(value or next(left, "")).absolute()
        if not folder.is_dir():
            raise Refusal(f"{flag}={folder}: there is no such folder: name the one that holds AXIS/NAME.yaml")
    return folder, others


def again(arguments: Sequence[str]) -> list[str]:
    """Return what names the folder of ``arguments`` in another command; nothing where they name none."""
    folder, _ = parted(arguments)
    return [] if folder is None else [f"{FLAGS[0]}={folder}"]


def names(folder: Path | None, axis: str) -> list[str]:
    """Return the names of the options of ``axis`` in ``folder``."""
    if folder is None:
        return []
    return [path.relative_to(folder / axis).with_suffix("").as_posix() for path in (folder / axis).rglob("*.yaml")]


def search_path(folder: Path | None) -> list[str]:
    """Return the word by which Hydra, composing by itself, finds the files of ``folder``."""
    if folder is None:
        return []
    quoted = str(folder).replace("\\", "\\\\").replace("'", "\\'")
    return [f"hydra.searchpath=['file://{quoted}']"]
