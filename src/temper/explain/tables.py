"""An explanation in words and numbers: the tables that the terminal and the page show, and one line of JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from temper.explain.confusion import pairs, recalls
from temper.explain.explanation import Explanation, Mistake
from temper.explain.subject import IN_WORDS
from temper.report.units import in_score, in_worst_class

WORST = 10  # classes that the terminal lists, pairs that are told, and coefficients


@dataclass(frozen=True)
class Told:
    """A table: its first column holds names, the others numbers or few words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def summary(explanation: Explanation) -> str:
    """Return in one line how the network did."""
    subject = explanation.subject
    count = len(subject.target)
    on = f"on the {IN_WORDS[subject.split]} set, {count:,} examples"
    if explanation.counts is None:
        error = (subject.prediction - subject.target).square().mean().sqrt().item()
        return f"{on}: rmse {in_score(error)}"
    return f"{on}: accuracy {in_score(1 - explanation.wrong / count)}, {explanation.wrong:,} mistakes"


def worst_class(explanation: Explanation) -> str | None:
    """Return which class is recognised least, in words; None for a regression."""
    return in_worst_class(recall_of(explanation))


def recall_of(explanation: Explanation) -> dict[str, float | None]:
    """Return the recall of each class by name, the worst first; None for a class without examples."""
    if explanation.counts is None:
        return {}
    found = zip(explanation.subject.class_names, recalls(explanation.counts), strict=True)
    return dict(sorted(found, key=lambda item: (item[1] is None, item[1] or 0.0)))


def mistakes(explanation: Explanation) -> Told | None:
    """Return the mistakes as a table; None where there is none."""
    if not explanation.mistakes:
        return None
    of, values = explanation.wrong, explanation.counts is None
    shown = "" if len(explanation.mistakes) == of else f", {len(explanation.mistakes)} of {of:,}"
    named = any(each.features for each in explanation.mistakes)
    adds = (("what adds most to the value given" if values else "what adds most to it"),) if named else ()
    if values:
        columns = ("example", "true value", "given", "error", *adds)
        title = f"the largest errors{shown}"
    else:
        columns = ("example", "true class", "given", "probability", "of the true class", *adds)
        title = f"the most confident mistakes{shown}"
    return Told(title, columns, tuple(_row(each, named) for each in explanation.mistakes))


def _row(mistake: Mistake, named: bool) -> tuple[str, ...]:
    adds = ", ".join(f"{name} {value:+.3g}" for name, value in mistake.features.items())
    number, told = mistake.place or f"{mistake.number:,}", (adds,) if named else ()
    if mistake.probability is None or mistake.true_probability is None:
        true, given = float(mistake.true), float(mistake.given)
        return (number, f"{true:.6g}", f"{given:.6g}", f"{given - true:+.3g}", *told)
    shares = (in_percent(mistake.probability), in_percent(mistake.true_probability))
    return (number, str(mistake.true), str(mistake.given), *shares, *told)


def in_percent(share: float) -> str:
    """Return a probability, such as ``98.1 %``, ``<0.1 %`` or ``>99.9 %``."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if 0.9995 < share < 1 else f"{share:.1%}".replace("%", " %")


def classes(explanation: Explanation) -> Told | None:
    """Return the classes that are recognised least as a table; None for a regression."""
    recall = recall_of(explanation)
    if explanation.counts is None:
        return None
    examples = dict(zip(explanation.subject.class_names, explanation.counts.sum(1).tolist(), strict=True))
    rows = tuple((name, f"{examples[name]:,}", in_score(value)) for name, value in list(recall.items())[:WORST])
    few = f", the {WORST} lowest of {len(recall)} classes" if len(recall) > WORST else ""
    return Told(f"recall, worst first{few}", ("class", "examples", "recall"), rows)


def confused(explanation: Explanation) -> Told | None:
    """Return the pairs of classes that are most often taken for each other as a table; None where none is."""
    found = [] if explanation.counts is None else pairs(explanation.counts)
    if not found:
        return None
    names = explanation.subject.class_names
    rows = tuple(
        (names[each.first], names[each.second], f"{each.forth:,}", f"{each.back:,}", f"{each.times:,}")
        for each in found[:WORST]
    )
    few = f", {WORST} of {len(found)} pairs" if len(found) > WORST else ""
    return Told(f"classes taken for each other{few}", ("class", "taken for", "times", "the other way", "in all"), rows)


def weights(explanation: Explanation) -> Told | None:
    """Return coefficients, beside those in closed form where these are known; None where the first layer has none."""
    first, reference = explanation.first, explanation.subject.reference
    if first is None or first.form == "filters":
        return None
    values, rows = first.weight.tolist(), []
    for index in first.largest(WORST).tolist():
        known = reference.get(f"w[{index}]") if first.form == "coefficients" else None
        rows.append((first.labels[index], f"{values[index]:.6g}", "" if known is None else f"{known:.6g}"))
    closed = any(row[2] for row in rows)
    few = f", the {WORST} largest of {len(values)}" if len(values) > WORST else ""
    title = "coefficients" if first.form == "coefficients" else "how strongly the first layer reads each feature"
    columns = ("feature", "weight", "in closed form") if closed else ("feature", "weight")
    return Told(title + few, columns, tuple(row[: len(columns)] for row in rows))


def tables(explanation: Explanation) -> list[Told]:
    """Return all tables, in order."""
    found = (mistakes(explanation), weights(explanation), classes(explanation), confused(explanation))
    return [each for each in found if each is not None]


def as_json(explanation: Explanation, files: Mapping[str, Path]) -> str:
    """Return the explanation as one line of JSON."""
    subject, first = explanation.subject, explanation.first
    recall, names = recall_of(explanation), subject.class_names
    coefficients = first is not None and first.form == "coefficients"
    return json.dumps(
        {
            "checkpoint": str(subject.trained.file),
            "set": subject.split,
            "examples": len(subject.target),
            "wrong": explanation.wrong,
            "method": None if explanation.maps is None else explanation.maps.method,
            "layer": subject.layer,
            "mistakes": [asdict(each) for each in explanation.mistakes],
            "per_class": recall,
            "worst_class": next(iter(recall), None),
            "confused": [
                {"class": names[each.first], "taken_for": names[each.second], "times": each.forth, "back": each.back}
                for each in ([] if explanation.counts is None else pairs(explanation.counts))[:WORST]
            ],
            "first_layer": None if first is None else {"name": first.name, "shape": list(first.weight.shape)},
            "coefficients": dict(zip(first.labels, first.weight.tolist(), strict=True))
            if first is not None and coefficients
            else {},
            "notes": list(explanation.notes),
            "files": {name: str(path) for name, path in files.items()},
        }
    )
