"""No debug changes nothing."""

from pathlib import Path

from temper.debug.none import NoDebug


def test_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    debug = NoDebug()
    assert (debug.shortened_to, debug.memorised, debug.callbacks(tmp_path)) == (None, None, [])
