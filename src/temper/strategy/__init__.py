"""What a strategy is, and what each axis asks of one: the design on one page.

A strategy is a frozen, keyword-only record whose fields are the knobs of its YAML file. It checks itself as it is made;
``build`` (or the method named below) takes what only a run knows. No strategy sees the configuration, the Trainer or
another strategy.

What contracts hand to each other, and the shapes of predictions and targets, stand in `temper.facts`.

    examples   what is learned, and an example's way to the network
    learning   what the network learns from
    stepping   how it steps through a run
    smaller    what makes it smaller
    running    where it trains, and who looks on
    searching  how the values of a sweep are chosen, and where its trials run
"""

from temper.strategy.examples import (
    Augmentation,
    Data,
    OrderedSampling,
    Preprocessing,
    Resolution,
    Sampling,
    Task,
)
from temper.strategy.learning import (
    Distillation,
    Initialization,
    LayerFreezing,
    Loss,
    LossFunction,
    Penalty,
    PenaltyFunction,
    ReadRun,
    Reads,
    Teach,
    Transfer,
    Weighting,
)
from temper.strategy.record import option, strategy
from temper.strategy.running import Debug, Logger, Trainer
from temper.strategy.searching import Launcher, RunTrial, Search, Trial
from temper.strategy.smaller import LowRank, Pruning, Quantization, Remover, Smaller, Unchanged
from temper.strategy.stepping import Averaging, BatchGrowth, Groups, Optimizer, Privacy, Scheduler, Stopping

__all__ = [
    "Augmentation",
    "Averaging",
    "BatchGrowth",
    "Data",
    "Debug",
    "Distillation",
    "Groups",
    "Initialization",
    "Launcher",
    "LayerFreezing",
    "Logger",
    "Loss",
    "LossFunction",
    "LowRank",
    "Optimizer",
    "OrderedSampling",
    "Penalty",
    "PenaltyFunction",
    "Preprocessing",
    "Privacy",
    "Pruning",
    "Quantization",
    "ReadRun",
    "Reads",
    "Remover",
    "Resolution",
    "RunTrial",
    "Sampling",
    "Scheduler",
    "Search",
    "Smaller",
    "Stopping",
    "Task",
    "Teach",
    "Trainer",
    "Transfer",
    "Trial",
    "Unchanged",
    "Weighting",
    "option",
    "strategy",
]
