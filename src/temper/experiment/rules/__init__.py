"""The rules between axes, a function each: it raises a ValueError that names both keys and a way out.

examples       what is learned, and an example's way to the network
distillation   what can be learned from a teacher
learning       how the network learns
transfer       what it starts from
smaller        what makes the network smaller
privacy        what a promise of privacy can be kept with
sharding       what can be done to weights of which each process holds a part
"""

from temper.experiment.rules import distillation, examples, learning, privacy, sharding, smaller, transfer

RULES = (  # in this order: the first that is broken is told
    *examples.RULES,
    *distillation.RULES,
    *learning.RULES,
    *transfer.RULES,
    *smaller.RULES,
    *privacy.RULES,
    *sharding.RULES,
)
