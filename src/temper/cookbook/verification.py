"""Measuring recipes over seeds: what is missing is run, each seed as a ``train.py`` of its own, and entered at once."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from temper.comparison.statistics import in_interval, in_spread
from temper.cookbook import ledger
from temper.cookbook.standing import Standing, compose_recipe, in_time, row_of, standing
from temper.digest import digest, of_the_disk
from temper.recipes import ROOT
from temper.refusal import Refusal
from temper.report.record import FILE, Report
from temper.report.units import in_score, in_seconds
from temper.training.folder import folder_word
from temper.training.metrics_file import read_rows

OF_THE_MACHINE = ("trainer", "logger", "data.root")  # all that may be said beside the recipe
LINES_OF_A_FAILURE = 12


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One seed of one recipe that is to be measured.

    Attributes:
        folder: of the run: the same for the same method, so that what was cut off goes on.
        words: of the command line beside recipe, seed and folder.
        threads: of one operation on the CPU.
        entered_as: what the ledger calls it, if not by its recipe.
    """

    recipe: str
    digest: str
    seed: int
    folder: Path
    epochs: int
    words: tuple[str, ...]
    threads: int
    entered_as: str | None = None

    @property
    def name(self) -> str:
        """Return what it is called on the screen."""
        return f"{self.entered_as or self.recipe} seed {self.seed}"

    @property
    def command(self) -> list[str]:
        """Return the words that start it."""
        own = (f"recipe={self.recipe}", f"seed={self.seed}", f"trainer.threads={self.threads}")
        return [sys.executable, str(ROOT / "train.py"), *self.words, *own, folder_word(self.folder)]

    @property
    def untimed(self) -> Path:
        """Return the file that says that other work went on beside the run, now or before it was cut off."""
        return self.folder / "untimed"

    def run(self) -> Report:
        """Train and test in a process of its own, what it prints going to ``train.log`` in its folder.

        Raises:
            RuntimeError: it failed; the last lines that it printed, and the way out.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "train.log"
        with log.open("w", encoding="utf-8") as file:
            status = subprocess.run(self.command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
        if status:
            lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
            said = "\n".join(lines[-LINES_OF_A_FAILURE:])
            raise RuntimeError(
                f"{self.name} ended with status {status}: {log}\n{said}\n"
                f"the same command goes on; delete {self.folder} to begin anew"
            )
        report = Report.load(self.folder)
        if report.state != "finished" or report.digest != self.digest:
            raise RuntimeError(f"{self.folder / FILE} is not of a finished run of {self.recipe}: delete {self.folder}")
        return report

    def epoch(self) -> int:
        """Return the epoch that metrics.csv has come to."""
        rows = read_rows(self.folder / "metrics.csv")
        return int(rows[-1]["epoch"]) if rows else 0


def missing(
    recipe: str,
    words: Sequence[str],
    seeds: Iterable[int],
    *,
    threads: int,
    rows: Sequence[ledger.Row],
    place: str,
    entered_as: str | None = None,
) -> list[Errand]:
    """Return the ``seeds`` of ``recipe``, with ``words`` beside it, that ``rows`` lack; they run in outputs/``place``.

    Raises:
        Refusal: there is no such recipe, or a word is at fault.
    """
    config = compose_recipe(recipe, words)
    today, entered = digest(config), {row.key for row in rows}
    return [
        Errand(
            recipe=recipe,
            digest=today,
            seed=seed,
            folder=Path("outputs", place, recipe, today[:8], f"seed_{seed}").absolute(),
            epochs=int(config["epochs"]),
            words=tuple(words),
            threads=threads,
            entered_as=entered_as,
        )
        for seed in seeds
        if (entered_as or recipe, today, seed) not in entered
    ]


def errands(
    names: Sequence[str], seeds: int, threads: int, words: Sequence[str], rows: Sequence[ledger.Row]
) -> list[Errand]:
    """Return what is missing in ``rows`` for seeds 0 to ``seeds`` - 1 of each recipe, seed by seed.

    Raises:
        Refusal: no such recipe; ``words`` say more than what the machine is.
    """
    for word in words:
        key = word.partition("=")[0].lstrip("+~")
        if not any(key == allowed or key.startswith(f"{allowed}.") for allowed in OF_THE_MACHINE):
            raise Refusal(
                f"{word}: a recipe is measured as it stands; only {', '.join(OF_THE_MACHINE)} may be given beside it"
            )
    found = [
        errand
        for name in names
        for errand in missing(name, fitting(name, words), range(seeds), threads=threads, rows=rows, place="verify")
    ]
    return sorted(found, key=lambda errand: errand.seed)


def run_all(
    waiting: Sequence[Errand],
    jobs: int,
    console: Console,
    results: Path,
    *,
    timed: bool = True,
    told: Literal["test", "val"] = "test",
) -> list[str]:
    """Run errands, ``jobs`` at a time, and enter each as it ends; return what went wrong, one text a failure.

    No time is entered unless ``timed``, nor where runs share the machine with one another. Of each run its score on
    the set ``told`` is printed.
    """
    failures: list[str] = []
    timed = timed and jobs == 1
    with ThreadPoolExecutor(jobs) as pool, _bars(console) as bars:
        running: dict[Future[Report], tuple[Errand, TaskID]] = {}
        queue = list(waiting)
        while queue or running:
            while queue and len(running) < jobs:
                errand = queue.pop(0)
                console.print(f"{errand.name}: {errand.folder}", highlight=False, markup=False, soft_wrap=True)
                if not timed:
                    errand.untimed.parent.mkdir(parents=True, exist_ok=True)
                    errand.untimed.touch()
                running[pool.submit(errand.run)] = errand, bars.add_task(errand.name, total=errand.epochs)
            ended, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for errand, bar in running.values():
                bars.update(bar, completed=errand.epoch())
            for future in ended:
                errand, bar = running.pop(future)
                bars.remove_task(bar)
                own = timed and not errand.untimed.exists()
                try:
                    row = row_of(errand.entered_as or errand.recipe, future.result(), errand.threads, timed=own)
                    ledger.append(row, results)
                except (RuntimeError, ValueError, OSError) as fault:  # the others go on
                    failures.append(str(fault))
                    console.print(f"{errand.name}: failed", highlight=False, markup=False)
                else:
                    left = len(queue) + len(running)
                    took = "not timed" if row.seconds is None else f"in {in_seconds(row.seconds)}"
                    score = row.test if told == "test" else row.val
                    said = f"{told}/{row.metric} {in_score(score)}, {took}"
                    console.print(f"{errand.name}: {said}; {left} to go", highlight=False, markup=False)
    return failures


def judged(names: Sequence[str], results: Path) -> Iterator[tuple[list[str], str | None]]:
    """Yield for each recipe the cells of the closing table, and what is to be said where its promise is broken."""
    rows = ledger.read(results)
    for name in names:
        stands = standing(name, rows)
        spread = stands.mean_and_deviation(stands.metric) if stands.metric else None
        yield (
            [
                name,
                str(len(stands.rows)),
                stands.metric or "-",
                in_spread(spread),
                in_time(stands.rows) if stands.rows else "-",
                in_interval(stands.interval, stands.alike),
                stands.promise if stands.rows else "not measured yet",
            ],
            _broken(stands, in_spread(spread)) if stands.promise == "broken" else None,
        )


def _broken(stands: Standing, found: str) -> str:
    promised = stands.config["expect"]
    return (
        f"broken: {stands.recipe} promises {promised['metric']} of {promised['value']:g}, to {promised['tolerance']:g},"
        f" and {found} was found, n = {len(stands.rows)}: measure more by --seeds, look at what has changed, or promise"
        f" otherwise by expect in recipes/{stands.recipe}.yaml"
    )


def fitting(name: str, words: Sequence[str]) -> list[str]:
    """Return ``words`` without the place of data that the recipe's data set has no use for, or names itself."""
    data = compose_recipe(name)["data"]
    rooted = "root" in data and "root" in of_the_disk(data)
    return [word for word in words if rooted or not word.startswith("data.root=")]


def _bars(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("epoch {task.completed}/{task.total}"),
    )
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
