"""Make a finished run smaller at once: prune it, cut its layers to a low rank, round it to whole numbers.

    python scripts/compress.py outputs/RUN quantization=static

RUN is a run's folder (its best checkpoint, or the last where none was chosen) or a checkpoint in one. Words are those
of train.py, of pruning, low_rank and quantization, and go together as there; nothing is trained, so none says when. The
smaller network lies in a folder of its own, as a run's: evaluate.py, predict.py, export.py, explain.py and
compare_runs.py take it, and train.py goes on from it by transfer=checkpoint. Its report holds it before and after.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from temper.cookbook.options import at_least
from temper.refusal import Refusal, refusing
from temper.report.record import Report, show
from temper.training.compressed import compress, save
from temper.training.trained import Trained


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
        default=4096,
        metavar="N",
        help="of the training set, by which ranges of inputs and statistics are taken (default: 4096; at most 10,000)",
    )
    parser.add_argument("--root", metavar="FOLDER", help="where the data lies here, in place of the run's data.root")
    asked = parser.parse_args(words)
    command = shlex.join(["python", "scripts/compress.py", *(sys.argv[1:] if words is None else words)])
    console = Console()
    with refusing():
        trained = Trained.find(asked.run, "RUN")
        folder = asked.output or trained.folder.with_name(f"{trained.folder.name}_compressed")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refusal(f"{folder} is there already: name another with --output FOLDER")
        with console.status("reading the run") as status:
            made = compress(trained, asked.words, asked.examples, asked.root, status.update)
        report = save(made, trained, folder.absolute(), command)
    show(report, console)
    console.print(f"folder: {folder}", soft_wrap=True, markup=False)
    return report


if __name__ == "__main__":
    main()
