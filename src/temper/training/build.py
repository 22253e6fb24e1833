"""Build what an experiment names: its data, the facts of the run, and the module that trains."""

import torch

from temper.data.batches import Batches, Pipeline, memorised, truncated
from temper.data.epoch_loader import steps_in_epoch
from temper.experiment import Experiment
from temper.facts import Examples, Facts, Splits
from temper.quantity import Clock
from temper.training.supervised import Ingredients, Supervised
from temper.training.trained import teach

SHORTENED_EVALUATION = 256  # examples of each evaluation when debug shortens a run


def build_batches(experiment: Experiment) -> Batches:
    """Return the datamodule of ``experiment``, with its splits, facts and fitted preprocessing.

    Raises:
        ValueError: the data does not fit the settings.
    """
    splits = experiment.data.splits()
    augmentation = experiment.augmentation
    if experiment.debug.memorised is not None:
        splits, augmentation = memorised(splits, experiment.debug.memorised), {}
    batch_size = _batch_size(experiment, splits)
    pipeline = Pipeline.fit(experiment.preprocessing, splits.train)
    shortened = experiment.debug.shortened_to
    if shortened is not None:
        splits = truncated(splits, shortened * batch_size, SHORTENED_EVALUATION)
        batch_size = min(batch_size, _batch_size(experiment, splits))
    facts = _facts(experiment, splits, batch_size)
    return Batches(
        splits,
        facts,
        pipeline,
        augmentation,
        batch_size=batch_size,
        accumulate=experiment.accumulate,
        sampling=experiment.sampling,
        seed=experiment.seed,
        precision=experiment.precision,
        channels_last=experiment.channels_last,
    )


def build_module(experiment: Experiment, facts: Facts) -> Supervised:
    """Return the module that trains, its network freshly initialised."""
    network = experiment.task.network(facts)
    experiment.initialization.apply(network)
    if experiment.channels_last:
        network = network.to(memory_format=torch.channels_last)
    if experiment.compile:
        network.compile()  # in place: the names of its weights stay
    distillation = experiment.distillation
    shares = {"task": 1 - sum(each.weight for each in distillation.values())}
    module = experiment.task.module(
        network,
        Ingredients(
            facts=facts,
            loss=experiment.loss.build(facts),
            penalties={name: penalty.build(facts) for name, penalty in experiment.penalty.items()},
            distillers={name: each.build(facts, teach) for name, each in distillation.items()},
            weigher=experiment.weighting.build(shares | {name: each.weight for name, each in distillation.items()}),
            groups=experiment.groups,
            optimizer=experiment.optimizer,
            scheduler=experiment.scheduler,
            clip=experiment.clip,
            seed=experiment.seed,
        ),
    )
    assert isinstance(module, Supervised)
    return module


def _batch_size(experiment: Experiment, splits: Splits) -> int:
    """Return the size of the global batch: at most an epoch's examples."""
    most = experiment.sampling.size(splits.train.targets)
    return most if experiment.batch_size == "full" else min(experiment.batch_size, most)


def _clock(experiment: Experiment, train: Examples, batch_size: int) -> Clock:
    """Return the run's clock; a run that debug shortens ends with the epoch in which its last step lies."""
    steps = steps_in_epoch(experiment.sampling.size(train.targets), batch_size, experiment.data.drop_last)
    epochs, shortened = experiment.epochs, experiment.debug.shortened_to
    if shortened is not None:
        steps = min(steps, shortened)
        epochs = -(-shortened // steps)
    return Clock(tuple(epoch * steps for epoch in range(epochs + 1)))


def _facts(experiment: Experiment, splits: Splits, batch_size: int) -> Facts:
    classes, kind, train = experiment.data.classes, experiment.kind, splits.train
    scales = [step.target_scale(train) for step in experiment.preprocessing.values()] if kind == "regression" else []
    mean, deviation = next((scale for scale in scales if scale != (0.0, 1.0)), (0.0, 1.0))
    counts = torch.bincount(train.targets.long(), minlength=classes).tolist() if classes else []
    return Facts(
        kind=kind,
        shape=tuple(train.inputs.shape[1:]),
        outputs=classes if kind == "multiclass" else 1,
        classes=classes,
        examples=len(train),
        class_counts=tuple(counts),
        clock=_clock(experiment, train, batch_size),
        target_mean=mean,
        target_deviation=deviation,
    )
