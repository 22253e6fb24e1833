"""Units against values worked out by hand."""

import math

import pytest

from temper.report.units import (
    UNMEASURED,
    in_bytes,
    in_count,
    in_joules,
    in_privacy,
    in_score,
    in_seconds,
    in_worst_class,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [(3e-6, "3 µs"), (0.0031, "3.1 ms"), (12.34, "12.3 s"), (119.6, "2 min 00 s"), (7501, "2 h 05 min"), (0, "0 µs")],
)
def test_seconds(value: float, words: str) -> None:
    assert in_seconds(value) == words


@pytest.mark.parametrize(("value", "words"), [(512, "512 B"), (1536, "1.5 KiB"), (42.7 * 2**20, "42.7 MiB")])
def test_bytes(value: float, words: str) -> None:
    assert in_bytes(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "7"),
        (1234.4, "1,234"),
        (11.17e6, "11.2 million"),
        (999.7e9, "1,000 billion"),
        (5.6e17, "5.60e+17"),
        (3.14159, "3.14"),
    ],
)
def test_counts(value: float, words: str) -> None:
    assert in_count(value) == words


@pytest.mark.parametrize(("value", "words"), [(0.5, "0.5 J"), (8400, "8.4 kJ"), (4.32e6, "1.2 kWh")])
def test_joules(value: float, words: str) -> None:
    assert in_joules(value) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.97222, "0.9722"), (3021.4, "3.02e+03"), (2e-5, "2e-05"), (0, "0.0000")]
)
def test_scores(value: float, words: str) -> None:
    assert in_score(value) == words


def test_what_was_not_measured_says_so() -> None:
    assert {say(None) for say in (in_seconds, in_bytes, in_count, in_joules, in_score)} == {UNMEASURED}


def test_privacy_says_what_was_spent_and_when_nothing_bounds_it() -> None:
    spent = {"epsilon": 2.914, "delta": 1e-5, "noise_multiplier": 1.2345, "max_grad_norm": 0.5, "steps": 12_000}
    assert in_privacy(spent).startswith(
        "privacy: the gradients spent ε = 2.91 at δ = 1e-05 (noise 1.23, examples clipped to 0.5, 12,000 steps)"
    )
    assert "ε = ∞" in in_privacy(spent | {"epsilon": None})
    assert "ε = ∞" in in_privacy(spent | {"epsilon": math.inf})


@pytest.mark.parametrize(
    ("recalls", "words"),
    [
        ({"cat": 0.5, "dog": 1.0}, "worst class: cat, of which 50.0% are recognised"),
        ({"cat": 0.5, "dog": None}, "worst class: cat, of which 50.0% are recognised; no test example is of dog"),
        ({"cat": None}, None),
    ],
)
def test_a_class_without_a_test_example_is_named(recalls: dict[str, float | None], words: str | None) -> None:
    assert in_worst_class(recalls) == words
    many = {str(number): None for number in range(9)} | {"cat": 0.5}
    assert (in_worst_class(many) or "").endswith("no test example is of 0, 1, 2, 3, 4, 5 ...")
