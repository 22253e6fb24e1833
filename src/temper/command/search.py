"""``python train.py -m search=NAME``: trials that a search chooses, each left off before its test; the best is tested.

What is searched belongs to the sweep: a trial's own command line holds one value for each key, and neither its
configuration nor its digest knows that it was a trial.
"""

import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.text import Text

from temper.command import own_options
from temper.command.composing import composing
from temper.command.study import Study
from temper.command.sweep import fault_of, launcher, opened, report_of
from temper.command.sweep_words import of_sweep
from temper.experiment import Experiment, make, parse
from temper.experiment.settings import SMALLER
from temper.quantity import Clock
from temper.refusal import Refusal, refusing
from temper.report import search_results
from temper.report.record import Report
from temper.report.search_results import Row
from temper.report.units import in_score
from temper.search.space import Setting, Space
from temper.settings_file import container
from temper.strategy import Search, option
from temper.training.folder import folder_word

PAUSE, SEED, NUMBERED = "pause", "seed", "${hydra.job.num}"
_STEPS = 1000  # of an epoch, where only shares of a run matter


def run(config: DictConfig, loader: ConfigLoader, overrides: Sequence[Override]) -> float:
    """Search, test the best trial, tell; return its score.

    Raises:
        SystemExit: the input is at fault, with status 2 before any trial; or no trial reached the end, with status 1.
    """
    with refusing():
        searching = Searching(config, loader, overrides)
    try:
        return searching.run()
    finally:
        searching.study.close()


class Searching:
    """One search.

    Args:
        config: the sweep's composed configuration, Hydra's part in it.
        loader: composes a trial's.
        overrides: the words of the sweep.

    Raises:
        Refusal: a search cannot be made of them.
    """

    def __init__(self, config: DictConfig, loader: ConfigLoader, overrides: Sequence[Override]) -> None:
        self.console, self.root = Console(), Path(str(config.hydra.sweep.dir)).absolute()
        sweep: Any = OmegaConf.to_container(config.hydra.sweep)  # as it was written, not resolved
        if sweep["subdir"] != NUMBERED:
            raise Refusal(f"hydra.sweep.subdir: a search numbers the folders of its trials: leave it at {NUMBERED}")
        words = {each.get_key_element(): each for each in overrides if not of_sweep(each)}
        self.keys = list(words)
        self.space = Space.read(list(words.values()))
        swept = self.space.dimensions
        self.fixed = {key: each.get_value_element_as_str() for key, each in words.items() if key not in swept}
        knobs = OmegaConf.to_container(config.search, resolve=True)
        search = make(knobs, "search")
        assert isinstance(search, Search)
        self.search = search
        if SEED in swept:
            every = ", or leave search=grid out for every combination" if option(search) == "grid" else ""
            raise Refusal(
                f"{words[SEED].input_line}: search={option(search)} would choose the luckiest of the seeds: search with"
                f" one, then run the best by -m seed=1,2,3 and compare with scripts/compare_runs.py{every}"
            )
        self.launcher = launcher(config)
        self.jobs = self.launcher.jobs
        first = self.words(self.search.proposed(self.space, [], self.jobs)[0])

        def compose(words: list[str]) -> dict[str, Any]:
            try:
                with composing([*own_options.again(sys.argv[1:]), *words]):
                    return container(loader.load_sweep_config(config, words))
            except Refusal as refusal:
                raise Refusal(f"{' '.join(words)}: {refusal}") from None

        composed = compose(first)
        if objection := self.launcher.objection(composed["trainer"]):  # trainers are not what is searched
            raise Refusal(objection)
        experiment = parse(composed)
        self.epochs, (self.metric, self.better) = experiment.epochs, experiment.chosen_by
        self.rungs = self.search.rungs(self.epochs)
        self._check(experiment, compose)
        self.study = Study(self.root, self._settings(knobs, words), self.better)

    def run(self) -> float:
        """Carry the search on, test the best trial, tell; return its score."""
        with opened(self.launcher, self.root) as self.runner:
            return self._carried_on()

    def _carried_on(self) -> float:
        count, rungs = len(self.search.proposed(self.space, [], self.jobs)), self.rungs
        self._say(f"folder: {self.root}\ngo on with: {_again(self.root)}")
        if len(rungs) > 1:
            self._say(f"rungs: {', '.join(map(str, rungs))} epochs; {count} trials reach the first")
        self.study.carry_on(self.search, self.space, len(rungs), self.jobs, self._evaluate)
        best = self.study.best(len(rungs))
        if best is not None:
            self.console.rule(f"the best is trial {best}: it is tested", align="left")
            words = self.words(self.study.trials[best].drawn)
            if self.runner.run(words, self._folder(best), best) != 0:
                self._tell(None)
                self._end(f"trial {best} is the best, and its test failed: the same command tries that again")
        self._tell(best)
        if best is None:
            self._end("no trial reached its end: there is no best one")
        return Report.load(self._folder(best)).returned

    def _end(self, said: str) -> NoReturn:
        print(f"temper: {said}", file=sys.stderr)
        raise SystemExit(1)

    def words(self, setting: Setting) -> list[str]:
        """Return the words of the trial that tries ``setting``."""
        values = self.fixed | setting
        return [f"{key}={values[key]}" for key in self.keys]

    def _check(self, experiment: Experiment, compose: Callable[[list[str]], dict[str, Any]]) -> None:
        name, longer = f"search={option(self.search)}", {"task", "recipe"} & set(self.space.dimensions)
        if PAUSE in self.keys:
            raise Refusal(f"{PAUSE}: {name} itself leaves trials off: leave it away")
        if not experiment.data.validates:
            raise Refusal(
                f"{name} compares validation scores, and data.validation=0 sets no examples apart for them: raise"
                " data.validation"
            )
        if len(self.rungs) == 1:
            return
        if "epochs" in self.space.dimensions or (longer and "epochs" not in self.fixed):
            word = "epochs" if "epochs" in self.space.dimensions else min(longer)
            raise Refusal(
                f"{name} compares trials of as many epochs, and {word} is searched: set epochs={self.epochs} for all"
            )
        astray = [rung for rung in self.rungs[:-1] if rung % experiment.validate_every]
        if astray:
            raise Refusal(
                f"{name} compares trials after {astray[0]} epochs, and validate_every={experiment.validate_every} does"
                " not validate there: choose validate_every=1"
            )
        self._check_settled(experiment)
        if any(key.split(".")[0] in SMALLER for key in self.space.dimensions):
            for setting in self.search.proposed(self.space, [], self.jobs):
                self._check_settled(parse(compose(self.words(setting))))

    def _check_settled(self, experiment: Experiment) -> None:
        name = f"search={option(self.search)}"
        clock = Clock(tuple(_STEPS * epoch for epoch in range(self.epochs + 1)))  # how many an epoch has, data tells
        for axis, each in zip(SMALLER, experiment.smaller, strict=True):
            settled = each.settled(clock) / _STEPS
            if settled > self.rungs[0]:
                raise Refusal(
                    f"{name} compares trials after {self.rungs[0]} of {self.epochs} epochs, and {axis}={option(each)}"
                    f" has no network to score before {settled:.3g} of them: raise search.first, or choose"
                    " search=random"
                )

    def _settings(self, knobs: Any, words: Mapping[str, Override]) -> dict[str, Any]:
        """Return what must not change when the search goes on; more trials may be asked for where each is whole."""
        free = {"_target_"} | ({"trials"} if len(self.rungs) == 1 else set())
        own = {f"search.{name}": value for name, value in knobs.items() if name not in free}
        typed = {key: (each.input_line or "").partition("=")[2] for key, each in words.items()}
        return {"search": option(self.search), **own, **typed}

    def _evaluate(self, waiting: Sequence[int]) -> Iterator[tuple[int, float | None]]:
        """Run trials up to their rungs, so many at a time, and yield each with its score as it ends."""
        return self.runner.together(self._run_one, waiting)

    def _run_one(self, number: int) -> float | None:
        trial = self.study.trials[number]
        whole = trial.rung == len(self.rungs) - 1
        shown = " ".join(f"{key}={value}" for key, value in trial.drawn.items())
        upto = "" if whole else f", up to epoch {self.rungs[trial.rung]}"
        self.console.rule(Text(f"trial {number}{upto}: {shown}"), align="left")
        words = [*self.words(trial.drawn), f"{PAUSE}={'test' if whole else self.rungs[trial.rung]}"]
        status = self.runner.run(words, self._folder(number), number)
        score = self._score(self._folder(number)) if status == 0 else None
        if (log := self.runner.log(number)) is not None:
            ended = fault_of(status) if status else "failed" if score is None else in_score(score)
            self._say(f"trial {number}: {ended} ({log})")
        return score

    def _folder(self, number: int) -> Path:
        return self.root / str(number)

    def _score(self, folder: Path) -> float | None:
        report = report_of(folder)
        score = report.score if report is not None else None
        if score is None or score.metric != self.metric or score.value is None or not math.isfinite(score.value):
            return None
        return score.value

    def _tell(self, best: int | None) -> None:
        """Leave and print the table of trials, the picture, and the best."""
        rows = [self._row(number) for number in self.study.ranked()]
        failed = [row for row in rows if row.state == "failed"]
        again = [row for row in failed if self.study.trials[row.number].rung == len(self.rungs) - 1]
        root = self.root
        search_results.write(root / "results.csv", rows, list(self.space.dimensions))
        search_results.draw(root / "search.png", rows, self.space, self.metric, self.better, best)
        self.console.print(search_results.table(rows, self.metric))
        if failed:
            others = f"; {len(again)} of them are tried again when the search is started again" if again else ""
            self._say(f"{len(failed)} of {len(rows)} trials failed{others}")
        if best is None:
            return
        report, trial = Report.load(self._folder(best)), self.study.trials[best]
        name = self.metric.removeprefix("val/")
        self._say(
            f"the best: trial {best}, chosen by {self.metric} {in_score(self.study.scores(trial)[-1])};"
            f" test/{name} {in_score(report.generalisation.test)}, looked at for {self._looked_at(best)}"
        )
        self._say(
            f"run it: {shlex.join(['python', 'train.py', *own_options.again(sys.argv[1:]), *self.words(trial.drawn)])}"
        )
        self._say(f"{root / 'results.csv'}\n{root / 'search.png'}")

    def _looked_at(self, best: int) -> str:
        """Return in words which trials were tested: before more of them were asked for, another one was the best."""
        reports = {number: report_of(self._folder(number)) for number in range(len(self.study.trials))}
        tested = [number for number, report in reports.items() if report is not None and report.state == "finished"]
        others = [f"trial {number}" for number in tested if number != best]
        return f"this trial, and before for {' and '.join(others)}" if others else "this trial alone"

    def _row(self, number: int) -> Row:
        trial, rungs = self.study.trials[number], self.rungs
        scores = self.study.scores(trial)
        failed, whole = len(scores) < len(trial.losses), len(scores) == len(rungs)
        folder = self._folder(number)
        epochs = rungs[: len(scores)]
        if len(rungs) == 1 and scores:
            there = (folder / "report.json").exists()  # who clears a bad trial away loses no more than that
            epochs = ((Report.load(folder).epochs if there else None) or self.epochs,)
        return Row(
            number=number,
            state="failed" if failed else "whole" if whole else "left off",
            drawn=trial.drawn,
            epochs=epochs,
            scores=scores,
            folder=folder,
        )

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)


def _again(root: Path) -> str:
    words = [word for word in sys.argv[1:] if not word.startswith("hydra.sweep.dir=")]
    return shlex.join(["python", "train.py", *words, folder_word(root, "hydra.sweep.dir")])
