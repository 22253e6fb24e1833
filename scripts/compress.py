"""Make a finished run smaller at once: prune it, cut its layers to a low rank, round it to whole numbers.

    python scripts/compress.py outputs/RUN quantization=static

RUN is a run's folder (its best checkpoint, or the last where none was chosen) or a checkpoint in one. Words are those
of train.py, of pruning, low_rank and quantization, and go together as there; nothing is trained, so none says when. The
smaller network lies in a folder of its own, as a run's: evaluate.py, predict.py, export.py, explain.py and
compare_runs.py take it, and train.py goes on from it by transfer=checkpoint. Its report holds it before and after.
"""

import argparse
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from temper.compression import compress, save
from temper.cookbook.options import at_least
from temper.refusal import Refusal, refusing
from temper.report.record import Report, show
from temper.training.trained import Trained


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``folder`` once the block is through, and is gone where it fails.

    Raises:
        Refusal: there is something in the folder, or it cannot be written to.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"{folder} is there already: name another with --output FOLDER")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as fault:
        raise Refusal(f"{folder}: {fault.strerror}: name a place to write into with --output FOLDER") from None
    try:
        beside.chmod(0o755)  # a temporary folder is born private
        yield beside
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def main(words: Sequence[str] | None = None) -> Report:
    """Read the command line, compress, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or a checkpoint in one")
    parser.add_argument(
        "words", metavar="AXIS=OPTION", nargs="*", help="such as quantization=static pruning.sparsity=0.5"
    )
    parser.add_argument(
        "--output", metavar="FOLDER", type=Path, help="where the smaller network goes (default: RUN_compressed)"
    )
    parser.add_argument(
        "--examples",
        type=at_least(1),
        default=4000,
        metavar="N",
        help="of the training set, by which ranges and statistics are taken, in batches of 500 (default: 4000; at most"
        " 10,000)",
    )
    parser.add_argument("--root", metavar="PLACE", help="where the data lies here, in place of data.root or data.path")
    asked = parser.parse_intermixed_args(words)
    command = shlex.join(["python", "scripts/compress.py", *(sys.argv[1:] if words is None else words)])
    console = Console()
    with refusing():
        trained = Trained.find(asked.run, "RUN")
        folder = (asked.output or trained.folder.with_name(f"{trained.folder.name}_compressed")).absolute()
        with made_whole(folder) as beside:
            with console.status("reading the run") as status:
                made = compress(trained, asked.words, asked.examples, asked.root, status.update)
            report = save(made, trained, beside, command)
    show(report, console)
    console.print(f"folder: {folder}", soft_wrap=True, markup=False)
    return report


if __name__ == "__main__":
    main()
