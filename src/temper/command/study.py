"""The state of a search, kept in the sweep's folder, and the loop that carries it on.

``search.json`` holds what was decided, which settings are tried and which are trained on, and what came of it. It is
replaced whole after each decision and each trial, before anything follows from it, so that a search that is killed at
any moment goes on with what it had decided: finished trials are not run again, the one that was cut off resumes in its
folder. What failed is tried again when the search is started again, as long as nothing was decided beyond it.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from temper.digest import placed
from temper.metric import Better
from temper.refusal import Refusal
from temper.search.space import Space
from temper.strategy import Search, Trial
from temper.training.folder import differences, may_differ

FILE = "search.json"
Evaluate = Callable[[Sequence[int]], Iterator[tuple[int, float | None]]]


class Study:
    """The trials of one search.

    Args:
        folder: of the sweep; it is made.
        settings: what must not change when a search goes on, by key.
        better: the direction in which scores improve.

    Raises:
        Refusal: the folder holds another search, or another process has it.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], better: Better) -> None:
        self.path = folder / FILE
        self.settings = dict(settings)
        self._sign = -1.0 if better == "max" else 1.0
        self.trials: list[Trial] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("a")
        except OSError as fault:
            raise Refusal(f"hydra.sweep.dir={folder}: {fault.strerror}: name a folder to write into") from None
        try:
            self._take()
        except Refusal:
            self.close()
            raise

    def carry_on(self, search: Search, space: Space, rungs: int, jobs: int, evaluate: Evaluate) -> None:
        """Decide and run trials, ``jobs`` at a time, until ``search`` is over; ``evaluate`` yields their scores."""
        while True:
            if all(trial.judged for trial in self.trials):
                self._decide(search, space, rungs, jobs)
            waiting = [number for number, trial in enumerate(self.trials) if not trial.judged]
            if not waiting:
                return
            for number, score in evaluate(waiting):
                self.trials[number].losses.append(None if score is None else self._sign * score)
                self.save()

    def scores(self, trial: Trial) -> list[float]:
        """Return the score of ``trial`` at each rung that it has reached."""
        return [self._sign * loss for loss in trial.losses if loss is not None]

    def ranked(self) -> list[int]:
        """Return the numbers of the trials: those that came furthest first, the best of them first."""
        worst = float("inf")

        def place(number: int) -> tuple[int, float]:
            reached = [loss for loss in self.trials[number].losses if loss is not None]
            failed = len(reached) < len(self.trials[number].losses)
            return -len(reached), worst if failed or not reached else reached[-1]

        return sorted(range(len(self.trials)), key=place)

    def best(self, rungs: int) -> int | None:
        """Return the number of the best trial that was trained to the end; None if there is none."""
        for number in self.ranked()[:1]:
            losses = self.trials[number].losses
            return number if len(losses) == rungs and losses[-1] is not None else None
        return None

    def close(self) -> None:
        """Let others have the folder."""
        self._lock.close()

    def save(self) -> None:
        """Write the file so that a reader finds the old one or the new one, never a part."""
        trials = [
            {"drawn": trial.drawn, "rung": trial.rung, "scores": [self._score(loss) for loss in trial.losses]}
            for trial in self.trials
        ]
        partial = self.path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as file:
            json.dump({"settings": self.settings, "trials": trials}, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)

    def _score(self, loss: float | None) -> float | None:
        return None if loss is None else self._sign * loss

    def _decide(self, search: Search, space: Space, rungs: int, jobs: int) -> None:
        drawn, promoted = search.proposed(space, self.trials, jobs), search.promoted(self.trials, rungs)
        self.trials += [Trial(each) for each in drawn]
        for number in promoted:
            self.trials[number].rung += 1
        self.save()

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            name = f"{self.path.parent} is in use by another search"
            raise Refusal(f"{name}: wait, or name another folder with hydra.sweep.dir=FOLDER") from None
        except OSError as fault:
            raise Refusal(
                f"{self.path.parent}: this disk cannot lock files ({fault.strerror}): name a folder on another with"
                " hydra.sweep.dir=FOLDER"
            ) from None
        if self.path.exists():
            self._load()

    def _load(self) -> None:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            before, trials = kept["settings"], kept["trials"]
            self.trials = [
                Trial(
                    drawn=each["drawn"],
                    rung=each["rung"],
                    losses=[None if score is None else self._sign * score for score in each["scores"]],
                )
                for each in trials
            ]
        except (ValueError, KeyError, TypeError) as fault:
            raise Refusal(f"{self.path} is not of this version of temper ({fault}): name another folder") from None
        differing = [
            key for key in differences(placed(before), placed(self.settings)) if not may_differ(key, self.settings)
        ]
        if differing:
            raise Refusal(
                f"{self.path.parent} holds a search with other settings: {', '.join(differing[:6])}"
                f" differ{'s' if len(differing) == 1 else ''}: name another folder with hydra.sweep.dir=FOLDER, or give"
                " the same settings to go on"
            )
        top = max((trial.rung for trial in self.trials), default=0)
        for trial in self.trials:
            if trial.rung == top and trial.judged and trial.losses[-1] is None:
                trial.losses.pop()
