"""One run, validated whole before anything is built: every check of names, types, bounds and clashes meets here.

record   `Experiment`, and the rules between axes
parse    a configuration made into one
"""

from temper.experiment.parse import make, parse
from temper.experiment.record import LIST_AXES, Expectation, Experiment

__all__ = ["LIST_AXES", "Expectation", "Experiment", "make", "parse"]
