"""The rules between axes, a function each: it raises a ValueError that names both keys and a way out.

examples   what is learned, and an example's way to the network
learning   how the network learns
transfer   what it starts from
privacy    what a promise of privacy can be kept with
"""

from temper.experiment.rules import examples, learning, privacy, transfer

# In this order: the first that is broken is told.
RULES = (*examples.RULES, *learning.RULES, *transfer.RULES, *privacy.RULES)
