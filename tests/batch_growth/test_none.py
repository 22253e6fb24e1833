"""No growth: one size."""

from temper.batch_growth.none import NoBatchGrowth


def test_size_stays() -> None:
    assert [NoBatchGrowth().size(32, epoch, 5) for epoch in range(5)] == [32] * 5
