"""Whether data is still what a network has learned from: names of classes and columns, and checksums."""

from collections.abc import Mapping, Sequence

from temper.facts import Facts

_MOST = 8  # names that are told


def other_names(then: Facts, classes: Sequence[str] | None, columns: Sequence[str]) -> str | None:
    """Return how ``classes`` (None: not looked at) and ``columns`` of today differ from those learned; None: nowise."""
    for what, before, today in (("classes", then.class_names, classes), ("columns", then.columns, columns)):
        if before and today is not None and tuple(before) != tuple(today):
            return f"the data has changed since: its {what} were {_listed(before)}, and are {_listed(today)} now"
    return None


def other_examples(then: Facts, today: Mapping[str, str]) -> str | None:
    """Return that the data holds other examples than were learned from, by its checksums ``today``; None: the same."""
    if all(today.get(what, found) == found for what, found in then.contents.items()):
        return None
    return (
        "the data has changed since: its examples are others, or more, or fewer, and split anew, so that the test set"
        " may hold some that were learned from"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST]) + (f" ... ({len(names)})" if len(names) > _MOST else "")
