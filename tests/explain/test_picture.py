"""Whose value is whose: the numbers beside the bars of coefficients."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from temper.explain import picture
from temper.explain.first_layer import FirstLayer
from temper.explain.sheet import Sheet, bars

LEARNED = [0.42, -0.34, 0.18, 0.17, -0.15, -0.024, 0.012, 0.3]
CLOSED = [0.37, -0.27, 0.23, 0.175, -0.30, 0.05, 0.012, 0.9]


def drawn(learned: list[float], reference: dict[str, float]) -> tuple[Sheet, Axes]:
    labels = tuple(f"f{place}" for place in range(len(learned)))
    first = FirstLayer(name="linear", weight=torch.tensor(learned), form="coefficients", labels=labels)
    explanation: Any = SimpleNamespace(subject=SimpleNamespace(reference=reference))
    section = picture._bars(explanation, first)
    sheet = Sheet(4.0)
    section.draw(sheet, 0.5)
    sheet.figure.canvas.draw()
    return sheet, sheet.figure.axes[0]


@pytest.mark.parametrize("learned", [LEARNED, [abs(each) for each in LEARNED], [-abs(each) for each in LEARNED]])
def test_a_value_stands_beside_its_own_bar_clear_of_lines_and_names(learned: list[float]) -> None:
    closed = {f"w[{place}]": value for place, value in enumerate(CLOSED)}
    sheet, axes = drawn(learned, closed)
    order = torch.tensor(learned).abs().argsort(descending=True).tolist()
    assert [text.get_text() for text in axes.texts] == [f"{learned[place]:.4f}" for place in order]
    names = [label.get_window_extent() for label in axes.get_yticklabels()]
    for place, text in zip(order, axes.texts, strict=True):
        box = text.get_window_extent()
        end, zero, line = (axes.transData.transform((x, 0))[0] for x in (learned[place], 0.0, CLOSED[place]))
        gap, edge, near = min((abs(x - side), x, side) for x in (end, zero) for side in (box.x0, box.x1))
        assert gap < 12, "next to its own bar"
        assert not min(end, zero) < box.x0 < max(end, zero), "not on it"
        assert not box.x0 - 2 < line < box.x1 + 2, "not struck through by the closed form"
        assert not min(edge, near) + 3 < line < max(edge, near) - 3, "nor behind it"
    assert all(name.x1 < text.get_window_extent().x0 for name, text in zip(names, axes.texts, strict=True))
    assert all(text.get_window_extent().x1 < sheet.figure.bbox.x1 for text in axes.texts)


def test_without_a_closed_form_each_value_stands_beyond_its_bar() -> None:
    _, axes = drawn([0.5, -0.5], {})
    right, left = (text.get_window_extent() for text in axes.texts)
    assert right.x0 > axes.transData.transform((0.5, 0))[0]
    assert left.x1 < axes.transData.transform((-0.5, 0))[0]


@pytest.mark.parametrize(
    ("value", "ends", "side"),
    [(0.5, [1.0], "left"), (1.0, [1.0], "left"), (0.5, None, "left"), (-0.5, None, "right"), (0.5, [0.0], "right"),
     (-0.5, [0.0], "left"), (0.0, None, "left")],
)  # fmt: skip
def test_words_stand_beside_their_bar_and_not_on_it(value: float, ends: list[float] | None, side: str) -> None:
    axes = Figure().add_subplot()
    bars(axes, [value], ["told"], ["name"], "blue", ends)
    assert [text.get_ha() for text in axes.texts] == [side]
