"""No change of resolution: one size."""

from temper.resolution.none import NoResolution


def test_side_stays() -> None:
    assert [NoResolution().side(32, epoch, 5) for epoch in range(5)] == [32] * 5
