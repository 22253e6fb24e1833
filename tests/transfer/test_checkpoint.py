"""Transfer from a run: weights equal to its own to the bit, frozen ones for good, and steps as plain torch takes them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from temper.command.job import Job
from temper.data.epoch_loader import Batch
from temper.report.record import Report
from temper.run import run
from temper.training.build import build_batches
from temper.transfer.checkpoint import Checkpoint
from tests.transfer.conftest import DIGITS, RESNET, state_of
