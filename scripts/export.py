"""Export a trained network to files that run without temper: torch.export's, ONNX, or both.

    python scripts/export.py outputs/RUN
    python scripts/export.py outputs/RUN --output digits.onnx

RUN is a run's folder or a checkpoint in one. A file takes what the data gives, images as uint8 (n, channels, height,
width) or rows of numbers (n, columns; of a table a column of 0 and 1 for each word), any number at once; in it are the
preprocessing, as the run fitted it, and the network, and it answers with the probability of each class, or with a value
in the target's own units. The names of the columns and of the classes, and what stands in for a missing
value, are in its metadata. It answers to each example as it is: what test-time augmentation adds is not in it.

Each file is read again by what will run it and compared with the network on examples of the run's test set, which must
be there; one that answers otherwise is not written, and the exit status is 1. Times are of one example, on the CPU.
ONNX needs packages of its own: pip install -e '.[export]'. A .pt2 file is of PyTorch's version: keep the run beside it.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.export.formats import FORMATS, check_dtype, check_packages
from temper.export.writing import Exported, File, Subject, export
from temper.refusal import Refusal, refusing
from temper.report.units import in_bytes, in_seconds
from temper.training.trained import Trained

MOST_NAMES = 12  # of columns, that are printed
SUFFIXES = {form.suffix: name for name, form in FORMATS.items()}


def paths_of(asked: str | None, output: str | None, folder: Path, force: bool) -> dict[str, Path]:
    """Return which file each format is written to: ``output``, or ``model`` in it or in the run's ``folder``.

    Without ``asked``, the suffix of ``output`` says which format is wanted; both, if it is a folder.

    Raises:
        Refusal: ``output`` is no place for what is asked, or a file is there already and ``force`` was not given.
    """
    place = folder if output is None else Path(output).absolute()
    only = None if place.is_dir() else SUFFIXES.get(place.suffix)
    wanted = asked or only or "both"
    names = tuple(FORMATS) if wanted == "both" else (wanted,)
    if place.is_dir():
        paths = {name: place / f"model{FORMATS[name].suffix}" for name in names}
    elif not place.parent.is_dir():
        raise Refusal(f"--output {output}: there is no folder {place.parent}: make it first")
    elif only is not None and names == (only,):
        paths = {only: place}
    else:
        suffixes = " and ".join(FORMATS[name].suffix for name in names)
        raise Refusal(
            f"--output {output}: is no folder, and --format {wanted} writes {suffixes}: name a folder, or one file"
            f" that ends in {' or '.join(SUFFIXES)}"
        )
    there = [path for path in paths.values() if path.exists()]
    if there and not force:
        raise Refusal(f"--output: {there[0]} is there already: --force replaces it, or name another place")
    return paths


def show(subject: Subject, exported: Exported, console: Console) -> None:
    """Print what was written, how far it is from the network, and how long an answer takes."""
    table = Table()
    for column in ("", "file", "size", "difference", "one example"):
        table.add_column(column, justify="left" if column in ("", "file") else "right")
    table.add_row("PyTorch", Text(subject.checkpoint.name), "", "", in_seconds(exported.latency_seconds))
    for name, file in exported.files.items():
        table.add_row(
            FORMATS[name].runtime,
            Text(file.path.name if file.written else "not written"),
            in_bytes(file.size),
            f"{file.difference:.1e}",
            in_seconds(file.latency_seconds),
        )
    console.print(table)
    for line in (*(str(file.path) for file in exported.files.values() if file.written), *_notes(subject)):
        console.print(Text(line), soft_wrap=True)


def _notes(subject: Subject) -> list[str]:
    meaning = subject.meaning
    shape = ", ".join(map(str, ("n", *meaning.shape)))
    notes = [
        f"takes {meaning.takes} ({shape}), gives {meaning.gives}; compared on {len(subject.tested):,} examples of the"
        f" test set, to which the answers may differ by {subject.tolerance:g}{' on average' * subject.rounds}"
    ]
    if meaning.columns:
        notes.append(f"its columns, in order: {_listed(meaning.columns)}; of a word, 1 where it stands and 0 where not")
    elif meaning.takes == "rows":
        notes.append("its columns are those of the data in order, and no gap is left")
    if meaning.fills:
        filled = [f"{name} {value:g}" for name, value in zip(meaning.columns, meaning.fills, strict=True)]
        notes.append(f"in place of a missing value: {_listed(filled)}")
    if subject.views is not None:
        notes.append(
            f"without test_time_augmentation={subject.views}, by which the run was tested: each image is answered as"
            " it is"
        )
    return notes


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more, in the file's metadata" if more > 0 else "")


def as_json(subject: Subject, exported: Exported) -> str:
    """Return what was written as one line of JSON; a difference that is not finite is null."""
    return json.dumps(
        {
            "checkpoint": str(subject.checkpoint),
            **asdict(subject.meaning),
            "files": {name: _file(file) for name, file in exported.files.items()},
            "tolerance": subject.tolerance,
            "examples": len(subject.tested),
            "latency_seconds": exported.latency_seconds,
            "left_out": {} if subject.views is None else {"test_time_augmentation": subject.views},
        }
    )


def _file(file: File) -> dict[str, object]:
    return {
        "path": str(file.path) if file.written else None,
        "bytes": file.size,
        "difference": file.difference if math.isfinite(file.difference) else None,
        "latency_seconds": file.latency_seconds,
    }


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, export, print.

    Raises:
        SystemExit: with status 2, the command is at fault; with status 1, a file answers otherwise than the network.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in one")
    parser.add_argument("--format", choices=(*FORMATS, "both"), help="(default: as --output ends, else both)")
    parser.add_argument("--output", metavar="PATH", help="a file, or a folder to write into (default: the run's)")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--root", metavar="PLACE", help="where the data lies, if no longer where the run found it")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")
    asked = parser.parse_args(words)
    with refusing():
        trained = Trained.find(asked.run, "RUN")
        paths = paths_of(asked.format, asked.output, trained.folder, asked.force)
        for name in paths:
            check_packages(name)
        subject = Subject.of(trained, asked.root)
        for name in paths:
            check_dtype(name, subject.model.dtype)
        exported = export(subject, paths)
    if asked.json:
        print(as_json(subject, exported))
    else:
        show(subject, exported, Console())
    failed = [file for file in exported.files.values() if not file.written]
    for file in failed:
        print(
            f"temper: {file.path.name}: its answers differ from the network's by {file.difference:.1e}, and"
            f" {subject.tolerance:g} is the most: not written",
            file=sys.stderr,
        )
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
