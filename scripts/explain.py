"""Look inside a trained network: its mistakes and what it saw in them, its first layer, the classes it confuses.

    python scripts/explain.py outputs/RUN
    python scripts/explain.py outputs/RUN --mistakes 24 --layer stages.1

RUN is a run's folder (its best checkpoint, or the last where none was chosen) or a checkpoint in one. Nothing is
trained. Of images, each of the most confident mistakes is drawn with its Grad-CAM for the class that was given and for
the true one; where a layer has no feature maps, and for digits, with gradient times input. Of rows of numbers, the
features that added most to a mistake are named; of a regression, the largest errors. Then come the filters of the first
layer, or its coefficients, the recall of each class, and the pairs of classes most often taken for each other.

Tables are printed; explained.png and explained.html, which holds the picture and needs no network, go into the run's
folder, or where --output says. Each image is answered as it is, without test-time augmentation.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.explain import page, picture
from temper.explain.explanation import Explanation, explain
from temper.explain.subject import IN_WORDS, Subject
from temper.explain.tables import as_json, summary, tables, worst_class
from temper.refusal import Refusal, refusing
from temper.training.trained import Trained

MOST = 100  # mistakes in one picture


def files_of(output: str | None, folder: Path, force: bool) -> dict[str, Path]:
    """Return where the picture and the page go.

    Raises:
        Refusal: ``output`` is no folder to write into, or a file is there already and ``force`` was not given.
    """
    place = folder if output is None else Path(output).absolute()
    if not place.is_dir():
        raise Refusal(f"--output {output}: there is no folder {place}: make it first")
    if not os.access(place, os.W_OK):
        raise Refusal(f"--output: {place} cannot be written into: name another folder")
    files = {"picture": place / picture.FILE, "page": place / page.FILE}
    there = [path for path in files.values() if path.exists()]
    if there and not force:
        raise Refusal(f"--output: {there[0]} is there already: --force replaces it, or name another folder")
    return files


def write(explanation: Explanation, files: dict[str, Path]) -> None:
    """Write the picture and the page, each whole or not at all."""
    draft = files["picture"].with_name(f".{picture.FILE}.{os.getpid()}")
    try:
        picture.draw(explanation, draft)
        draft.replace(files["picture"])
    finally:
        draft.unlink(missing_ok=True)
    page.write(explanation, files["picture"], files["page"])


def show(explanation: Explanation, files: dict[str, Path], console: Console) -> None:
    """Print the tables, the notes, and where the files are."""

    def line(text: str) -> None:
        console.print(Text(text), soft_wrap=True, highlight=False)

    line(f"{explanation.subject.trained.file} {summary(explanation)}")
    for told in tables(explanation):
        shown = Table(title=Text(told.title), title_justify="left")
        for number, column in enumerate(told.columns):
            shown.add_column(column, justify="right" if number else "left", overflow="fold")  # a path is not cut
        for row in told.rows:
            shown.add_row(*map(Text, row))
        console.print(shown)
    worst = worst_class(explanation)
    for text in (
        [] if worst is None else [worst],
        [f"note: {note}" for note in explanation.notes],
        map(str, files.values()),
    ):
        for each in text:
            line(each)


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, explain, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in one")
    parser.add_argument("--mistakes", metavar="N", type=int, default=12, help="at most so many, 1 to 100 (default: 12)")
    parser.add_argument("--set", choices=tuple(IN_WORDS), default="test", help="whose mistakes (default: test)")
    parser.add_argument(
        "--layer", metavar="NAME", help="whose feature maps are looked at (default: the last before they are pooled)"
    )
    parser.add_argument("--output", metavar="FOLDER", help="where the files go (default: the run's folder)")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--root", metavar="PLACE", help="where the data lies here, in place of data.root or data.path")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of tables")
    asked = parser.parse_args(words)
    with refusing():
        if not 1 <= asked.mistakes <= MOST:
            raise Refusal(f"--mistakes {asked.mistakes}: from 1 to {MOST} are shown: choose a number among these")
        trained = Trained.find(asked.run, "RUN")
        files = files_of(asked.output, trained.folder, asked.force)
        subject = Subject.of(trained, asked.set, asked.layer, asked.root)
        explanation = explain(subject, asked.mistakes)
    write(explanation, files)
    print(as_json(explanation, files)) if asked.json else show(explanation, files, Console())


if __name__ == "__main__":
    main()
