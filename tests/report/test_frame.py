"""The frame of a picture of lines."""

from matplotlib.figure import Figure

from temper.report.frame import INK, frame


def test_two_edges_are_left_and_levels_lie_behind() -> None:
    axes = Figure().subplots()
    axes.plot([0, 1], [0, 1])
    frame(axes, letters=8)
    assert [name for name, edge in axes.spines.items() if edge.get_visible()] == ["left", "bottom"]
    assert axes.get_axisbelow() is True
    assert all(line.get_visible() for line in axes.get_ygridlines())
    (label, *_) = axes.get_xticklabels()
    assert (label.get_color(), label.get_fontsize()) == (INK, 8)
