"""Temper: PyTorch Lightning recipes that measure what each optimisation strategy is worth."""

import time

fresh = True  # began as Python does; not forked, by temper.forked, with its libraries imported
started = time.monotonic()  # of the program, as near as an import can tell: what a run's wall time counts from
