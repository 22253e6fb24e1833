"""Temper: PyTorch Lightning recipes that measure what each optimisation strategy is worth."""
