"""The rules between axes, a function each: it raises a ValueError that names both keys and a way out.

examples   what is learned, and an example's way to the network
learning   how the network learns
smaller    what makes the network smaller
privacy    what a promise of privacy can be kept with
"""

from temper.experiment.rules import examples, learning, privacy, smaller

RULES = (
    *examples.RULES,
    *learning.RULES,
    *smaller.RULES,
    *privacy.RULES,
)  # in this order: the first that is broken is told
