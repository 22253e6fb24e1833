"""What is asked of the weights that a run starts with."""

from collections.abc import Mapping


def check_positive(shares: Mapping[str, float]) -> None:
    """Refuse a share of 0, from which a weight that is learned could not start.

    Raises:
        ValueError: names the term, and what to lower where it is the task's.
    """
    for name, share in shares.items():
        if share <= 0:
            others = " or ".join(other for other in shares if other != name)
            raise ValueError(
                f"the weights are learned from where they start, and {name} starts with none: lower that of {others},"
                " distillation.NAME.weight"
            )
