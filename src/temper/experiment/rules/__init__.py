"""The rules between axes, a function each: it raises a ValueError that names both keys and a way out.

examples   what is learned, and an example's way to the network
learning   how the network learns
"""

from temper.experiment.rules import examples, learning

RULES = (*examples.RULES, *learning.RULES)  # in this order: the first that is broken is told
