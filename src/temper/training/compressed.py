"""A finished run made smaller at once: weights are removed, layers cut or rounded, and nothing is trained.

What has to be known of the inputs is taken from training examples as evaluation shows them: the ranges that
``quantization=static`` rounds in, and, where weights have changed, the statistics of batch norm. Both are plain means
over batches.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from temper.command import command_line
from temper.command.job import composing, container
from temper.data.batches import MEASURED_TRAIN_EXAMPLES, Batches
from temper.digest import digest
from temper.experiment import Experiment, parse
from temper.experiment.settings import REMOVING, SMALLER
from temper.network.layered import Layered
from temper.network.simulated import layers_of
from temper.network.statistics import hold_statistics, let_statistics_go, recompute_statistics
from temper.recipes import CONF
from temper.refusal import Refusal
from temper.report import page
from temper.report.environment import commit, device_name, versions
from temper.report.measure import complexity
from temper.report.record import FILE, Complexity, Generalisation, Report, Score
from temper.strategy import Remover, option
from temper.training.build import build_module
from temper.training.folder import Folder
from temper.training.revisited import answered, batches_of, experiment_of, judged
from temper.training.supervised import Verdict
from temper.training.trained import DATAMODULE, Trained, network_of

AT_ONCE = {"pruning": ("start", "end", "every"), "low_rank": ("start",), "quantization": ("start", "momentum")}
LEARNING = {"pruning=lottery_ticket": "trains what is left again", "quantization=aware": "trains with rounded weights"}
Tell = Callable[[str], None]  # what is being done


@dataclass(frozen=True, kw_only=True)
class Side:
    """A network before, or after: how it does on each set of its run, and what it costs."""

    verdicts: Mapping[str, Verdict]
    complexity: Complexity


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What became of a run.

    Attributes:
        config: the run's, with the choices that made it smaller.
        network: as a run keeps it in a checkpoint; ``experiment.delivered`` makes the smaller one of it.
        batches: of the run.
        notes: what no figure says.
    """

    experiment: Experiment
    config: Mapping[str, Any]
    network: Layered
    batches: Batches
    before: Side
    after: Side
    notes: Sequence[str]


def config_of(trained: Trained, words: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of ``trained`` in which ``words`` say what makes it smaller, at its end.

    Raises:
        Refusal: a word is about something else, or about a training that does not happen; or it is smaller already.
    """
    config = trained.config()
    if not words:
        raise Refusal(f"{trained.folder}: nothing says what makes it smaller: add quantization=static, for example")
    for word in words:
        key = word.partition("=")[0].lstrip("+~")
        axis, _, knob = key.partition(".")
        if axis not in SMALLER:
            raise Refusal(f"{word}: a finished run is made smaller by {', '.join(SMALLER)} and by nothing else")
        if knob in AT_ONCE[axis]:
            raise Refusal(f"{word}: all is done at once, after training: leave {key} away")
        if word in LEARNING:
            raise Refusal(
                f"{word} {LEARNING[word]}, and here nothing learns: choose another, or train with it:"
                f" python train.py transfer=checkpoint transfer.run={trained.folder} {word}"
            )
    command_line.check(words)
    with composing(words), initialize_config_dir(str(CONF), version_base="1.3"):
        composed = container(compose("config", list(words)))
    for axis in SMALLER:
        if (before := _named(config[axis])) != "none":
            raise Refusal(f"{trained.folder} was made smaller already, by {axis}={before}: name the run of the whole")
        at_the_end = {knob: 1.0 for knob in ("start", "end") if axis in REMOVING and knob in composed[axis]}
        config[axis] = {**composed[axis], **at_the_end}
    return config


def compress(trained: Trained, words: Sequence[str], examples: int, root: str | None, tell: Tell) -> Compressed:
    """Return what ``words`` make of ``trained``, measured before and after.

    Args:
        trained: a whole network.
        words: of a command line, such as ``quantization=static``.
        examples: of the training set, by which ranges and statistics are taken.
        root: where the data lies, in place of the run's own; None: there.
        tell: is told what is being done.

    Raises:
        ValueError: see `config_of`; or there is nothing to remove, or the data is not there.
    """
    config = config_of(trained, words)
    whole, checkpoint = experiment_of(trained, root), trained.checkpoint()
    placed = config if root is None else {**config, "data": {**config["data"], "root": root}}
    experiment = judged(parse(placed))
    network = network_of(whole, checkpoint)
    notes = [told for each in experiment.smaller if (told := each.note(network)) is not None]
    batches = batches_of(whole, checkpoint, "test", "--split")
    before = _side(whole, network, batches, tell, "whole")
    tell("making it smaller")
    smaller = experiment.quantization.prepared(copy.deepcopy(network))
    _remove(experiment, smaller, batches)
    _look(experiment, smaller, batches, examples)
    delivered = experiment.delivered(smaller).eval()
    notes += [told for each in experiment.smaller if (told := each.outcome(delivered)) is not None]
    after = _side(experiment, delivered, batches, tell, "smaller")
    return Compressed(
        experiment=experiment,
        config=config,
        network=smaller,
        batches=batches,
        before=before,
        after=after,
        notes=notes,
    )


def save(made: Compressed, trained: Trained, folder: Path, command: str) -> Report:
    """Write ``made`` of ``trained`` into ``folder``, as a run that has finished; return its report.

    Raises:
        Refusal: there is something in the folder, or it cannot be written to.
    """
    experiment, checkpoint, held = made.experiment, trained.checkpoint(), Folder(folder)
    held.enter(made.config)
    held.checkpoints.mkdir(exist_ok=True)
    kept = {key: checkpoint[key] for key in ("facts", "class_names", DATAMODULE)}
    state = {f"network.{name}": value.cpu() for name, value in made.network.state_dict().items()}
    torch.save({**kept, "state_dict": state}, held.checkpoints / "last.ckpt")
    metric, better = experiment.chosen_by
    before, after = _scores(made.before), _scores(made.after)
    compared = [name for name in (metric, metric.replace("val/", "test/")) if name in after]
    name = metric.removeprefix("val/")
    train, test = after[f"train/{name}"], after[f"test/{name}"]
    recalls = made.after.verdicts["test"].per_class
    report = Report(
        command=command,
        state="finished",
        digest=digest(made.config),
        commit=commit(),
        versions=versions(),
        device=device_name(next(made.network.parameters()).device),
        choices=_choices(trained, made.config),
        metrics=dict(after),
        score=Score(metric=metric, value=after[metric], better=better) if metric in after else None,
        generalisation=Generalisation(test=test, gap=train - test if better == "max" else test - train),
        complexity=made.after.complexity,
        notes=[
            f"made of {trained.file} at once: nothing was trained, and what training took is that run's",
            *made.notes,
        ],
        per_class=dict(zip(made.batches.splits.class_names, recalls, strict=False)),
        seed=experiment.seed,
        epochs=experiment.epochs,
        smaller={
            "before": {name: before[name] for name in compared} | asdict(made.before.complexity),
            "after": {name: after[name] for name in compared} | asdict(made.after.complexity),
        },
    )
    report.save(folder)
    page.write(folder)
    held.leave()
    return report


def _scores(side: Side) -> dict[str, float]:
    return {f"{split}/{name}": value for split, each in side.verdicts.items() for name, value in each.scores.items()}


def _choices(trained: Trained, config: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the option of each axis by its name, as the run's report has them, with those that made it smaller."""
    known = Report.load(trained.folder).choices if (trained.folder / FILE).exists() else {}
    return known | {axis: _named(config[axis]) for axis in SMALLER}


def _named(node: Mapping[str, Any]) -> str:
    return str(node["_target_"]).split(".")[-2]


def _side(experiment: Experiment, network: Layered, batches: Batches, tell: Tell, which: str) -> Side:
    module, verdicts = build_module(judged(experiment), batches.facts), {}
    for split in batches.tested:
        tell(f"{which}: the {split} set")
        level = experiment.test_time_augmentation if split == "test" else None
        answers = answered(network, batches, split, level)
        verdicts[split] = module.verdict(answers.prediction, answers.target, answers.mean)
    return Side(verdicts=verdicts, complexity=complexity(network, batches.facts.shape))


def _remove(experiment: Experiment, network: Layered, batches: Batches) -> None:
    clock = batches.facts.clock
    for each in reversed(experiment.smaller):  # zeros come last: no product disturbs them
        callback = each.callback(clock, experiment.seed)
        if isinstance(callback, Remover):
            callback.begin(network, clock.total_steps)


def _look(experiment: Experiment, network: Layered, batches: Batches, examples: int) -> None:
    """Take the ranges of what is rounded, and the statistics of weights that have changed."""
    for layer in layers_of(network):
        layer.track_running_stats = True
    changed = any(option(getattr(experiment, axis)) != "none" for axis in REMOVING)
    if not changed:
        hold_statistics(network)
    recompute_statistics(network, _shown(batches, examples, next(network.parameters()).device))
    if not changed:
        let_statistics_go(network)
    network.eval()


def _shown(batches: Batches, examples: int, device: torch.device) -> Iterator[Tensor]:
    left = min(examples, MEASURED_TRAIN_EXAMPLES)
    for position, stored in enumerate(batches.evaluated("train", None)):
        if left <= 0:
            return
        yield batches.on_after_batch_transfer(stored, position).inputs[:left].to(device)
        left -= len(stored.inputs)
