"""Measured values in words that a person reads at a glance; what was not measured says so."""

import math
from collections.abc import Mapping

UNMEASURED = "not measured"
_NAMED = 6  # of the classes that have no example, the others are dots


def in_seconds(value: float | None) -> str:
    """Return a duration given in seconds, such as ``3.1 ms``, ``12.3 s`` or ``2 h 05 min``."""
    if value is None:
        return UNMEASURED
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 100:
        return f"{value:.3g} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def in_bytes(value: float | None) -> str:
    """Return a number of bytes, such as ``512 B`` or ``42.7 MiB``."""
    if value is None:
        return UNMEASURED
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:.0f} B"


def in_count(value: float | None) -> str:
    """Return a number of things, such as ``1,234``, ``11.2 million`` or ``5.6e+17``."""
    if value is None:
        return UNMEASURED
    for word, size in (("trillion", 1e12), ("billion", 1e9), ("million", 1e6)):
        if size <= value < 1e15:
            return f"{value / size:.3g} {word}" if value < 999.5 * size else f"{value / size:,.0f} {word}"
    if value >= 1e15:
        return f"{value:.2e}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def in_joules(value: float | None) -> str:
    """Return an energy given in joules, such as ``840 J`` or ``1.2 kWh``."""
    if value is None:
        return UNMEASURED
    if value >= 3.6e5:
        return f"{value / 3.6e6:.3g} kWh"
    return f"{value / 1e3:.3g} kJ" if value >= 1e3 else f"{value:.3g} J"


def in_privacy(spent: Mapping[str, float | None]) -> str:
    """Return what a private run has spent, such as ``privacy: the gradients spent ε = 2.91 at δ = 1e-05 (...)``."""
    epsilon = spent["epsilon"]
    bound = "∞" if epsilon is None or not math.isfinite(epsilon) else f"{epsilon:.3g}"
    return (
        f"privacy: the gradients spent ε = {bound} at δ = {spent['delta']:g} (noise {spent['noise_multiplier']:.3g},"
        f" examples clipped to {spent['max_grad_norm']:g}, {spent['steps']:,.0f} steps); fitted preprocessing and"
        " training scores are outside of it"
    )


def in_worst_class(recalls: Mapping[str, float | None]) -> str | None:
    """Return which class is recognised least, in words, and which have no example; None where no class has one."""
    known = {name: recall for name, recall in recalls.items() if recall is not None}
    if not known:
        return None
    worst = min(known, key=lambda name: known[name])
    told = f"worst class: {worst}, of which {known[worst]:.1%} are recognised"
    untested = [name for name, recall in recalls.items() if recall is None]
    more = " ..." * (len(untested) > _NAMED)
    return told + (f"; no test example is of {', '.join(untested[:_NAMED])}{more}" if untested else "")


def in_score(value: float | None) -> str:
    """Return a metric with four digits after the point, or three significant ones where it is large or tiny."""
    if value is None:
        return UNMEASURED
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e3 else f"{value:.3g}"
