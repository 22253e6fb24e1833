"""One run, validated whole before anything is built: every check of names, types, bounds and clashes meets here.

settings   what a run consists of, each part checked by itself
rules      which parts go together, a function each
record     `Experiment`: settings that go together
parse      a configuration made into one
earlier    a configuration from before a knob or an axis, completed
"""

from temper.experiment.parse import make, parse
from temper.experiment.record import Experiment
from temper.experiment.settings import LIST_AXES, Expectation

__all__ = ["LIST_AXES", "Expectation", "Experiment", "make", "parse"]
