"""What is looked at before a run makes anything: the machine, and how the run's processes were started."""

import os
from collections.abc import Mapping
from typing import Any

from torch import nn

from temper.experiment import Experiment
from temper.refusal import Refusal
from temper.trainer.kernels import overrun
from temper.trainer.machine import on_cpu, processes
from temper.trainer.started import by_slurm, started, started_outside


def check_machine(experiment: Experiment, machine: Mapping[str, Any]) -> None:
    """Refuse what this machine, or the way in which the run was started, does not go with.

    Raises:
        Refusal: names the key and the way out.
    """
    if on_cpu(machine) and experiment.precision == "16-mixed":
        raise Refusal("precision=16-mixed needs a GPU, and the run is on the CPU: choose precision=bf16-mixed")
    wanted, nodes = processes(machine), machine["num_nodes"]
    if started_outside() and machine["strategy"] == "auto":
        raise Refusal(
            f"{_who()} has started {started()} processes, and the trainer is for one: choose trainer=ddp; where it has"
            " started but this one, as a batch script does without srun, ask it for one task"
        )
    if started() and started() != wanted * nodes:
        raise Refusal(
            f"{_who()} has started {started()} processes, and the trainer is for {wanted} on each of {nodes} nodes: set"
            " trainer.devices and trainer.nodes to what was started, or ask for as many"
        )
    if by_slurm() and int(os.environ.get("SLURM_NNODES", nodes)) != nodes:
        raise Refusal(
            f"trainer.nodes={nodes}: SLURM has spread the processes over {os.environ['SLURM_NNODES']}: set as many, and"
            " trainer.devices to those of each"
        )
    if by_slurm() and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise Refusal(
            "SLURM: Lightning must be told how many processes a node has: ask by --ntasks-per-node, not --ntasks"
        )
    if nodes > 1 and not started() and not {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} <= os.environ.keys():
        raise Refusal(
            f"trainer.nodes={nodes}: the processes of several machines are started by torchrun or by SLURM's srun, and"
            " nothing says that these were (by hand: MASTER_ADDR, MASTER_PORT and NODE_RANK on each)"
        )


def _who() -> str:
    return "SLURM" if by_slurm() else "torchrun"


def check_partners(experiment: Experiment, processes: int) -> None:
    """Refuse a distillation that compares examples, where a process has too few of them at once.

    Raises:
        Refusal: names the distillation and the way out.
    """
    size, parts = experiment.batch_size, processes * experiment.accumulate
    for name, each in experiment.distillation.items():
        if size != "full" and size // parts <= each.partners:
            raise Refusal(
                f"distillation={name} compares {each.partners + 1} examples of a micro-batch at a time, and"
                f" batch_size={size} on {processes} processes with accumulate={experiment.accumulate} has fewer: raise"
                " batch_size, or lower trainer.devices or accumulate"
            )


def check_kernels(experiment: Experiment, machine: Mapping[str, Any], network: nn.Module) -> None:
    """Refuse a network that this processor's kernels would compute wrongly.

    Raises:
        Refusal: names the layer and the way out.
    """
    last = experiment.channels_last or experiment.compile  # compiled convolutions take channels last too
    if not last or not on_cpu(machine) or experiment.precision == "64-true":
        return
    if (name := overrun(network)) is not None:
        key = "channels_last=true" if experiment.channels_last else "compile=true"
        raise Refusal(
            f"{key}: on this processor torch writes the gradient of {name}, a 1x1 convolution with strides and fewer"
            f" than 8 input channels, beyond its memory: choose {key.replace('true', 'false')}, or a wider network"
        )
