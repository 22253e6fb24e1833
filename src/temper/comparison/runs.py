"""Runs, read from their folders: what was chosen, and what was measured.

Torch is not imported here, so that a comparison answers at once.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temper import settings_file
from temper.digest import placed
from temper.refusal import Refusal

SEVERAL = ("ddp", "fsdp")  # trainers of several processes
FOUR = ("speed", "cost", "generalisation", "complexity")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run, finished or not.

    Attributes:
        state: ``finished``, ``failed``, or of one that may go on: ``stopped``, ``paused``, ``running`` (or killed).
        digest: of its method.
        choices: the option of each axis; ``recipe`` too where there was one.
        config: its composed values; empty where its folder holds no config.yaml.
        metric: the bare name of what it is judged by, such as ``accuracy``.
        figures: all that was measured, by name.
        target: what the time to target is measured to; None: there is none.
        processes: that trained together; None in a report of several, from before they were noted.
        threads: of one operation on the CPU; None in a report from before they were noted.
        forked: whether it began with its libraries imported; None in a report from before it was noted.
        contents: checksums of one's own data, by what they are of; empty in a report from before they were noted.
    """

    folder: Path
    state: str
    digest: str
    choices: Mapping[str, Any]
    config: Mapping[str, Any]
    seed: int
    metric: str
    device: str
    commit: str
    figures: Mapping[str, float]
    target: float | None
    processes: int | None
    threads: int | None
    forked: bool | None
    contents: Mapping[str, str]

    @property
    def finished(self) -> bool:
        """Return whether it was trained to its end, and tested."""
        return self.state == "finished"

    @property
    def machine(self) -> str:
        """Return in words on how many processes it ran; of several, by which trainer."""
        if self.processes == 1:
            return "1 process"
        trainer = f"trainer={self.choices.get('trainer')}"
        return trainer if self.processes is None else f"{trainer} on {self.processes} processes"


def find(folders: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Return the runs in ``folders``, each a run's or of many runs, and a line for each that no mean is of.

    Those that failed, or have not finished, are among both.

    Raises:
        Refusal: a folder is not there, or holds no run; or a report cannot be read. Names it.
    """
    runs: list[Run] = []
    lines: list[str] = []
    places: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise Refusal(f"{folder}: there is no such folder: name the folder of a run, or of a sweep")
        found, waiting = _beneath(folder)
        if not found and not waiting:
            raise Refusal(f"{folder}: holds no run: name a folder with a report.json in it, or of a sweep")
        lines += [f"{place}: left out: it has no report yet" for place in waiting]
        places |= dict.fromkeys(place.resolve() for place in found)
    for place in places:
        run = _read(place)
        if isinstance(run, str):
            lines.append(f"{place}: left out: {run}")
        else:
            runs.append(run)
            if not run.finished:
                lines.append(f"{place}: left out: it has not finished ({run.state})")
    if not any(run.finished for run in runs):
        raise Refusal(f"no finished run to compare: {'; '.join(lines)}")
    return runs, lines


def measured(report: Mapping[str, Any]) -> dict[str, float]:
    """Return every finite number of a report by its name: ``test/accuracy``, ``cost/seconds`` ..."""
    found = dict(report["metrics"])
    for group in FOUR:
        found |= {f"{group}/{key}": value for key, value in report[group].items()}
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def _beneath(folder: Path) -> tuple[list[Path], list[Path]]:
    if (folder / "report.json").exists():
        return [folder], []
    found = sorted((path.parent for path in folder.rglob("report.json")), key=_natural)
    begun = [path.parent for pattern in ("config.yaml", "*/config.yaml") for path in folder.glob(pattern)]
    return found, sorted((place for place in begun if place not in found), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key by which trial 10 comes after trial 9."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", str(path))]


def _read(folder: Path) -> Run | str:
    """Return the run in ``folder``, or why it is left out."""
    path, known = folder / "report.json", folder / "config.yaml"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        choices = report["choices"]
        if choices.get("debug", "none") != "none":
            return f"debug={choices['debug']} made it another run than its method's"
        figures, score = measured(report), report["score"]
        names = [name.partition("/")[2] for name in ([score["metric"]] if score else figures)]
        config = _config(known)
        return Run(
            folder=folder,
            state=str(report["state"]),
            digest=str(report["digest"]),
            choices=choices,
            config=config,
            seed=int(report["seed"]),
            metric=next((name for name in ("accuracy", "rmse", *names) if name in names), "loss"),
            device=str(report["device"]),
            commit=str(report["commit"] or ""),
            figures=figures,
            # From before these were noted: the target is in config.yaml, and the trainer says of several processes.
            target=report.get("target", config.get("target")),
            processes=report.get("processes", None if choices.get("trainer") in SEVERAL else 1),
            threads=report.get("threads"),
            forked=report.get("forked"),
            contents=report.get("contents", {}),
        )
    except Refusal:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as fault:
        raise Refusal(f"{path} is not a report that this version of temper wrote ({fault}): leave it out") from None


def _config(path: Path) -> dict[str, Any]:
    """Return the composed values of a run; empty where there is no file of them."""
    if not path.exists():
        return {}
    try:
        values = settings_file.load(path)
    except Exception as fault:  # whatever a damaged file makes YAML's parser raise
        raise Refusal(f"{path} cannot be read ({str(fault).splitlines()[0]}): leave the run out") from None
    if not isinstance(values, dict):
        raise Refusal(f"{path} holds no settings of a run: leave it out")
    return placed({str(key): value for key, value in values.items()})
