"""What a finished run is told as: the report's metrics and its four figures."""

import copy
import math
from dataclasses import asdict
from typing import Any

import lightning as L
import torch
from torch import nn

import temper
from temper.command.job import Job
from temper.data.batches import Batches
from temper.experiment.settings import SMALLER
from temper.facts import Facts
from temper.metric import better as better_of
from temper.network.layered import Layered
from temper.report.curves import read_metrics, steady
from temper.report.environment import commit, device_name, versions
from temper.report.measure import complexity, parameter_counts, peak_memory_bytes
from temper.report.notes import (
    at_chance,
    drawn_away,
    never_averaged,
    of_class_weights,
    of_views,
    taken_again,
    worse_than_the_mean,
)
from temper.report.record import Cost, Generalisation, Report, Score, Speed, judge_promise
from temper.report.work import training_multiply_adds
from temper.strategy import Remover, option
from temper.training.answers import gather
from temper.training.folder import Folder
from temper.training.recorder import Recorder
from temper.training.shown_weights import ShownWeights
from temper.training.supervised import Supervised


def begin(job: Job, folder: Folder, processes: int) -> Report:
    """Return the report of a run that starts, or goes on, in ``folder``, on so many ``processes`` in all."""
    fresh = Report(
        command=job.command,
        digest=job.digest,
        commit=commit(),
        versions=versions(),
        device=device_name(),
        choices=dict(job.choices),
        tuned=dict(job.tuned),
        seed=job.experiment.seed,
        epochs=job.experiment.epochs,
        target=job.experiment.target,
        processes=processes,
        threads=torch.get_num_threads(),
        forked=not temper.fresh,
    )
    if (folder.path / "report.json").exists():
        fresh.attempts = Report.load(folder.path).attempts
    fresh.notes = [*job.notes]
    if folder.changed:
        fresh.notes.append(f"gone on with another {', '.join(folder.changed)} than at the start")
    return fresh


def conclude(
    report: Report, job: Job, module: Supervised, recorder: Recorder, trainer: L.Trainer, batches: Batches
) -> None:
    """Fill ``report`` with what was measured of the run and of the network that validation chose."""
    experiment, shape = job.experiment, module.facts.shape
    report.device = device_name(module.device)
    report.contents = dict(module.facts.contents)
    for name, verdict in module.verdicts.items():
        report.metrics |= {f"{name}/{metric}": value for metric, value in verdict.scores.items()}
    names = batches.splits.class_names
    recalls = zip(names, module.verdicts["test"].per_class, strict=False)
    report.per_class = {name: None if math.isnan(recall) else recall for name, recall in recalls}  # of no example
    _tell_solution(report, job, module, batches)
    report.notes += of_class_weights(experiment.loss.weighs(module.facts), names)
    rate = f"optimizer.{experiment.optimizer.rate_key}"
    if module.facts.kind == "regression":  # of no other a long file is read
        losses = [value for _, value in steady(read_metrics(job.folder).get("train/loss", []))]
        scaling = None if _scaled(module.facts) else _scaling(job)
        report.notes += worse_than_the_mean(report.metrics, losses, rate, scaling)
    if module.facts.classes and experiment.debug.shortened_to is None:
        report.notes += at_chance(
            report.metrics, batches.splits.test.targets, rate, hasattr(experiment.task, "activation")
        )
    report.notes += taken_again(report.attempts)
    metric, better = experiment.chosen_by
    report.notes += of_views(experiment.test_time_augmentation, metric)
    if "val" in module.verdicts:
        report.score = Score(metric=metric, value=report.metrics[metric], better=better)
    if module.privatizer is not None:
        report.privacy = module.privatizer.spent()
    seconds = sum(attempt.seconds for attempt in report.attempts)
    examples = sum(attempt.examples for attempt in report.attempts)
    memory = torch.tensor([peak_memory_bytes(module.device)], device=module.device)  # of each process
    report.speed = Speed(
        examples_per_second=examples / seconds if seconds else None, seconds_to_target=recorder.seconds_to_target
    )
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    if (shown := next((each for each in callbacks if isinstance(each, ShownWeights)), None)) is not None:
        word, start = f"averaging={option(experiment.averaging)}", getattr(experiment.averaging, "start", None)
        report.notes += never_averaged(word, start, shown.averager)
    report.cost = Cost(
        training_multiply_adds=training_multiply_adds(module, batches, report.attempts, callbacks),
        seconds=seconds,
        peak_memory_bytes=int(gather(memory).sum()),
        joules=_total([attempt.joules for attempt in report.attempts]),
    )
    name = metric.removeprefix("val/")
    train, test = module.verdicts["train"].scores[name], module.verdicts["test"].scores[name]
    report.generalisation = Generalisation(test=test, gap=train - test if better == "max" else test - train)
    assert isinstance(module.network, Layered)
    delivered = experiment.delivered(module.network)
    report.complexity = complexity(delivered, shape)
    report.notes += [told for each in experiment.smaller if (told := each.outcome(delivered)) is not None]
    removers = (each for each in callbacks if isinstance(each, Remover))
    masks = next((each for each in removers if each.axis == "pruning"), None)  # no other makes zeros
    if any(option(each) != "none" for each in experiment.smaller):
        whole = report.complexity
        if delivered is not module.network:
            whole = complexity(experiment.quantization.plain(module.network), shape)
        before = asdict(whole) | {"nonzero_parameters": _nonzero_before(module.network, masks)}
        step, score = _validated_before(job, module)
        named = [f"{axis}={name}" for axis in SMALLER if (name := option(getattr(experiment, axis))) != "none"]
        seen = "there was no validation"
        if score is not None:
            seen = f"the last validation was after step {step:,} of {module.facts.clock.total_steps:,}"
        report.notes.append(
            f"before {' and '.join(named)} began, {seen}: what the network reaches whole, a run without says"
        )
        report.smaller = {
            "before": {metric: score} | before,
            "after": {metric: report.metrics.get(metric)} | asdict(report.complexity),
        }
    reasons = (getattr(callback, "reason", None) for callback in callbacks)
    report.stopped = next((reason for reason in reasons if reason), None)
    if experiment.expect is not None:
        expect = experiment.expect
        report.promise = (
            judge_promise(expect.metric, expect.value, expect.tolerance, better_of(expect.metric), report.metrics)
            if job.comparable and experiment.debug.shortened_to is None and experiment.debug.memorised is None
            else "not comparable"
        )


@torch.no_grad()
def _nonzero_before(network: nn.Module, masks: Remover | None) -> int:
    """Return how many parameters of ``network`` are not zero, or were not before ``masks`` removed them."""
    if masks is None:
        return parameter_counts(network)[1]
    ones = copy.deepcopy(network)
    for weight in ones.parameters():
        weight.fill_(1.0)
    masks.remove(ones)
    counted, left = parameter_counts(ones)
    return parameter_counts(network)[1] + counted - left


def _validated_before(job: Job, module: Supervised) -> tuple[int, float | None]:
    """Return the step and the score of the last validation before anything was removed; no score: there was none."""
    begins = job.experiment.begins(module.facts.clock)
    series = read_metrics(job.folder).get(job.experiment.chosen_by[0], [])
    return next(((step, value) for step, value in reversed(series) if step < begins), (0, None))


def _tell_solution(report: Report, job: Job, module: Supervised, batches: Batches) -> None:
    learned: Any = batches.learned
    if not isinstance(learned.inputs, torch.Tensor):  # images too many for memory, and for a closed form
        return
    solution = module.solution(learned)
    report.notes += solution.notes
    if not solution.coefficients:
        return
    report.notes += drawn_away(job.experiment.penalty, job.experiment.optimizer)
    report.solution = {
        name: {"learned": learned, "reference": reference}
        for name, (learned, reference) in solution.coefficients.items()
    }
    report.metrics["train/distance"] = solution.distance
    steps, facts = ", ".join(job.experiment.preprocessing), module.facts
    inputs = f"inputs after {steps}" if steps else "inputs as they come"
    target = (
        ", of the standardised target"
        if _scaled(facts)
        else ", in the target's own units" * (facts.kind == "regression")
    )
    report.notes.append(f"solution: coefficients are those of {inputs}{target}")


def _scaled(facts: Facts) -> bool:
    """Return whether a regression's targets are learned in deviations."""
    return facts.kind == "regression" and (facts.target_mean, facts.target_deviation) != (0.0, 1.0)


def _scaling(job: Job) -> str:
    """Return the words that have a regression's targets learned in deviations."""
    steps, knob = list(job.experiment.preprocessing), "preprocessing.standardize.target=true"
    return knob if "standardize" in steps else f"preprocessing=[{','.join([*steps, 'standardize'])}] {knob}"


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def final_figures(report: Report) -> dict[str, float]:
    """Return every measured number of ``report`` by a name for loggers."""
    figures = {f"final/{name}": value for name, value in report.metrics.items()}
    for group in ("speed", "cost", "generalisation", "complexity"):
        figures |= {f"{group}/{key}": value for key, value in asdict(getattr(report, group)).items()}
    figures |= {f"privacy/{name}": value for name, value in (report.privacy or {}).items()}
    return {name: float(value) for name, value in figures.items() if value is not None}
