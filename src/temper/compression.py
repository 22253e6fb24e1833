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
from temper.command.composing import composing
from temper.data.batches import EVALUATED_AT_ONCE, MEASURED_TRAIN_EXAMPLES, Batches
from temper.digest import digest
from temper.experiment import Experiment, make, parse
from temper.experiment.settings import REMOVING, SMALLER
from temper.network.layered import Layered
from temper.network.simulated import layers_of
from temper.network.statistics import hold_statistics, let_statistics_go, recompute_statistics
from temper.recipes import CONF, option_of
from temper.refusal import Refusal
from temper.report import page
from temper.report.environment import commit, device_name, versions
from temper.report.measure import complexity
from temper.report.notes import of_views, worse_once_smaller
from temper.report.record import FILE, Complexity, Generalisation, Report, Score
from temper.settings_file import container
from temper.strategy import Remover, Smaller, option
from temper.training.build import build_module
from temper.training.folder import Folder
from temper.training.revisited import answered, batches_of, experiment_of, judged
from temper.training.supervised import Supervised, Verdict
from temper.training.trained import DATAMODULE, Trained, network_of, placed_at

WHEN = {"pruning": ("start", "end", "every"), "low_rank": ("start",), "quantization": ("start", "momentum")}
KEPT = ("task", "data", "preprocessing", "loss", "batch_size", "precision")  # of a run, where no training is
AT_REST = ("trainer", "transfer", "layer_freezing")  # what is over with training, and would rule out what follows it
Tell = Callable[[str], None]  # what is being done


@dataclass(frozen=True, kw_only=True)
class Side:
    """A network before, or after: how it does on each set of its run, and what it costs."""

    verdicts: Mapping[str, Verdict]
    complexity: Complexity

    @property
    def scores(self) -> dict[str, float]:
        """Return each score by its set and name, such as ``test/accuracy``."""
        return {
            f"{split}/{name}": value for split, each in self.verdicts.items() for name, value in each.scores.items()
        }


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What became of a run.

    Attributes:
        config: the run's, with the choices that made it smaller.
        checkpoint: with the network as a run keeps it; ``experiment.delivered`` makes the smaller one of it.
        notes: what no figure says.
    """

    experiment: Experiment
    config: Mapping[str, Any]
    checkpoint: Mapping[str, Any]
    class_names: Sequence[str]
    before: Side
    after: Side
    device: str
    digest: str
    notes: Sequence[str]


def config_of(trained: Trained, words: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of ``trained`` in which ``words`` say what makes it smaller, at its end.

    Raises:
        Refusal: a word is about something else, or about a training that does not happen; or it is smaller already.
    """
    config = trained.config()
    for word in words:
        key = word.partition("=")[0].lstrip("+~")
        axis, _, knob = key.partition(".")
        if axis not in SMALLER:
            raise Refusal(f"{word}: a finished run is made smaller by {', '.join(SMALLER)} and by nothing else")
        if knob in WHEN[axis]:
            raise Refusal(f"{word}: all is done at once, after training: leave {key} away")
    command_line.check(words)
    composed = _composed(words)
    made: list[Smaller] = [make(composed[axis], axis) for axis in SMALLER]
    for axis, each in zip(SMALLER, made, strict=True):
        if each.learns:
            word = f"{axis}={option(each)}"
            raise Refusal(
                f"{word} is a way to train, and here nothing learns: choose another, or train with it:"
                f" {_command(trained)} transfer=checkpoint transfer.run={trained.folder} {word}"
            )
    if all(option(each) == "none" for each in made):
        raise Refusal(f"{trained.folder}: nothing says what makes it smaller: add quantization=static, for example")
    for axis in SMALLER:
        if (before := option_of(config[axis])) != "none":
            raise Refusal(f"{trained.folder} was made smaller already, by {axis}={before}: name the run of the whole")
        at_the_end = {knob: 1.0 for knob in ("start", "end") if axis in REMOVING and knob in composed[axis]}
        config[axis] = {**composed[axis], **at_the_end}
    return config | {axis: composed[axis] for axis in AT_REST}


def compress(trained: Trained, words: Sequence[str], examples: int, root: str | None, tell: Tell) -> Compressed:
    """Return what ``words`` make of ``trained``, measured before and after.

    Args:
        trained: a whole network.
        words: of a command line, such as ``quantization=static``.
        examples: of the training set, by which ranges and statistics are taken, in batches of 500.
        root: where the data lies, in place of the run's own; None: there.
        tell: is told what is being done.

    Raises:
        ValueError: see `config_of`; or there is nothing to remove, or the data is not there.
    """
    config, whole, checkpoint = config_of(trained, words), experiment_of(trained, root), trained.checkpoint()
    config["precision"] = whole.precision  # in which it is judged
    placed = placed_at(root, config)
    try:
        experiment = judged(parse(placed))
    except Refusal as fault:
        # What the words are refused for beside a training by default too is their own, and told as it is.
        parse(_composed(words) | {key: placed.get(key, {}) for key in (*KEPT, *SMALLER)})
        raise Refusal(
            f"{fault}. What this run was trained by stays as it is here: a run of other settings goes on as a smaller"
            f" one by transfer=checkpoint transfer.run={trained.folder}"
        ) from None
    network = network_of(whole, checkpoint)
    notes = [f"made of {trained.file} at once: nothing was trained, and what training took is that run's"]
    notes += [told for each in experiment.smaller if (told := each.note(network)) is not None]
    batches = batches_of(whole, checkpoint, "test", "--split")
    judge, level = build_module(whole, batches.facts), whole.test_time_augmentation
    before = _side(judge, network, batches, lambda split: tell(f"whole: the {split} set"))
    tell("making it smaller")
    smaller = experiment.quantization.prepared(copy.deepcopy(network))
    _remove(experiment, smaller, batches)
    _look(experiment, smaller, batches, examples)
    delivered = experiment.delivered(smaller).eval()
    notes += [told for each in experiment.smaller if (told := each.outcome(delivered)) is not None]
    after = _side(judge, delivered, batches, lambda split: tell(f"smaller: the {split} set"))
    notes += [*of_views(level, whole.chosen_by[0]), *worse_once_smaller(before.scores, after.scores)]
    notes += [note for note in (batches.splits.note, batches.changed) if note]
    kept = {key: checkpoint[key] for key in ("facts", "class_names", DATAMODULE)}
    state = {f"network.{name}": value.cpu() for name, value in smaller.state_dict().items()}
    return Compressed(
        experiment=experiment,
        config=config,
        checkpoint={**kept, "state_dict": state},
        class_names=batches.splits.class_names,
        before=before,
        after=after,
        device=device_name(next(smaller.parameters()).device),
        # Another method than a training that ends in the same choices.
        digest=digest({**config, "compressed": {"of": digest(trained.config()), "examples": examples}}),
        notes=notes,
    )


def _command(trained: Trained) -> str:
    """Return what trains on the task and data of ``trained``; a lone checkpoint does not tell."""
    return Report.load(trained.folder).command if (trained.folder / FILE).exists() else "python train.py"


def save(made: Compressed, trained: Trained, folder: Path, command: str) -> Report:
    """Write ``made`` of ``trained`` into ``folder``, as a run that has finished; return its report."""
    source = Report.load(trained.folder) if (trained.folder / FILE).exists() else None
    held = Folder(folder)
    held.enter(made.config)
    held.checkpoints.mkdir(exist_ok=True)
    torch.save(dict(made.checkpoint), held.checkpoints / "last.ckpt")
    metric, better = made.experiment.chosen_by
    before, after = made.before.scores, made.after.scores
    compared = [name for name in (metric, metric.replace("val/", "test/")) if name in after]
    name = metric.removeprefix("val/")
    train, test = after[f"train/{name}"], after[f"test/{name}"]
    report = Report(
        command=command,
        state="finished",
        digest=made.digest,
        commit=commit(),
        versions=versions(),
        device=made.device,
        choices=(source.choices if source else {}) | {axis: option_of(made.config[axis]) for axis in SMALLER},
        metrics=dict(after),
        score=Score(metric=metric, value=after[metric], better=better) if metric in after else None,
        generalisation=Generalisation(test=test, gap=train - test if better == "max" else test - train),
        complexity=made.after.complexity,
        notes=list(made.notes),
        per_class=dict(zip(made.class_names, made.after.verdicts["test"].per_class, strict=False)),
        seed=made.experiment.seed,
        epochs=made.experiment.epochs,
        privacy=source.privacy if source else None,  # what is made of private weights is as private
        smaller={
            "before": {name: before[name] for name in compared} | asdict(made.before.complexity),
            "after": {name: after[name] for name in compared} | asdict(made.after.complexity),
        },
    )
    report.save(folder)
    page.write(folder)
    held.leave()
    return report


def _composed(words: Sequence[str]) -> dict[str, Any]:
    with composing(words), initialize_config_dir(str(CONF), version_base="1.3"):
        return container(compose("config", list(words)))


def _side(judge: Supervised, network: Layered, batches: Batches, tell: Tell) -> Side:
    verdicts = {}
    for split in batches.tested:
        tell(split)
        answers = answered(network, batches, split, batches.test_time_augmentation if split == "test" else None)
        verdicts[split] = judge.verdict(answers.prediction, answers.target, answers.mean)
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
    """Yield ``examples`` training examples in batches of one size; what is left over is not looked at."""
    loader = batches.evaluated("train", None)
    left = min(examples, MEASURED_TRAIN_EXAMPLES, len(loader.examples))
    size = min(left, EVALUATED_AT_ONCE)
    for position, stored in enumerate(loader):
        if left < size:
            return
        yield batches.on_after_batch_transfer(stored, position).inputs[:size].to(device)
        left -= size
