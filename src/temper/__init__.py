"""Temper: PyTorch Lightning recipes that measure what each optimisation strategy is worth."""

import time

started = time.monotonic()  # of the program, as near as an import can tell: what a run's wall time counts from
