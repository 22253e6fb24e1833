"""Weights & Biases, online or offline; it never asks a question (https://docs.wandb.ai).

A run keeps its identity in the file ``wandb_id`` of its folder, so that a resumed run goes on in the same curves.
An offline run lies in the folder's ``wandb/`` until ``wandb sync`` uploads it.
"""

import netrc
import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import wandb
from lightning.pytorch.loggers import Logger as LightningLogger
from lightning.pytorch.loggers import WandbLogger
from lightning_utilities.core.rank_zero import rank_zero_only
from pydantic import Field
from wandb.sdk.wandb_setup import singleton

from temper.refusal import Refusal
from temper.strategy import Logger, strategy

Mode = Literal["online", "offline", "disabled"]
_FORMER = "api.wandb.ai"  # of W&B's own server: keys under that name still count


@strategy
class Wandb(Logger):
    """A run in ``project`` of ``entity``."""

    project: Annotated[str, Field(min_length=1)]
    entity: str | None
    name: Annotated[str, Field(min_length=1)] | None
    group: str | None
    tags: tuple[str, ...]
    mode: Literal["auto", "online", "offline", "disabled"]

    def build(self, folder: Path, config: Mapping[str, Any]) -> LightningLogger:
        """Return Lightning's logger for the run in ``folder``; the W&B run itself starts at its first use.

        Raises:
            Refusal: it is to be online, and there is no key.
        """
        if self.mode == "online" and not getattr(rank_zero_only, "rank", 0) and not has_key():
            raise Refusal(
                "logger.wandb.mode=online: there is no key for Weights & Biases here: wandb login, or offline"
            )
        if wandb.run is not None:  # left open by another run of this process: Lightning would write into it
            wandb.run.finish(exit_code=1)
        logger = WandbLogger(
            project=self.project,
            name=self.name or _called(folder.resolve()),
            save_dir=folder,
            id=_identity(folder),
            entity=self.entity,
            group=self.group,
            tags=list(self.tags),
            mode=self._mode(),
            resume="allow",
            config=dict(config),
            settings=wandb.Settings(silent=True, console="off", save_code=False),
        )
        # Lightning passes this to wandb even where nobody set it, and wandb warns that it is of no effect.
        logger._wandb_init.pop("anonymous", None)
        return logger

    def finish(self, failed: bool) -> str | None:
        """End the W&B run of this process, if there is one still open; return its page, or what sends it there."""
        run = wandb.run
        if run is None:
            return None
        run.finish(exit_code=int(failed))
        if run.disabled:
            return None
        if run.offline:  # each start of a run that was resumed has left a folder: they are sent in order of time
            kept = shlex.quote(str(Path(run.settings.sync_dir).parent))
            return f"Weights & Biases: kept offline, sent by: wandb sync {kept}/offline-run-*"
        return f"Weights & Biases: {run.url}"

    def _mode(self) -> Mode:
        if self.mode != "auto":
            return self.mode
        wish = os.environ.get("WANDB_MODE", "")
        if wish in ("offline", "dryrun"):
            return "offline"
        if wish == "disabled":
            return "disabled"
        return "online" if has_key() else "offline"


def chosen(loggers: Mapping[str, Logger]) -> Wandb:
    """Return the W&B logger of ``loggers``.

    Raises:
        Refusal: it is not among them.
    """
    found = loggers.get("wandb")
    if not isinstance(found, Wandb):
        raise Refusal("logger: runs that Weights & Biases is to show must log to it: logger=[wandb]")
    return found


def _called(folder: Path) -> str:
    """Return what a run in ``folder`` is called: a sweep's trials have numbers, which say nothing by themselves."""
    return f"{folder.parent.name}/{folder.name}" if folder.name.isdigit() else folder.name


def _identity(folder: Path) -> str | None:
    """Return the run's id, drawn at its first start and kept in ``folder``; None on the ranks that log nothing."""
    if getattr(rank_zero_only, "rank", 0):
        return None
    file = folder / "wandb_id"
    if not file.exists():
        # An agent of a W&B sweep has already given the run its id.
        given = os.environ.get("WANDB_RUN_ID") if "WANDB_SWEEP_ID" in os.environ else None
        file.write_text(given or secrets.token_hex(4), encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()


def has_key() -> bool:
    """Return whether a key for the W&B server is at hand, as a variable or in the file that `wandb login` writes."""
    given = (os.environ.get("WANDB_API_KEY"), os.environ.get("WANDB_IDENTITY_TOKEN_FILE"), singleton().settings.api_key)
    if any(given):
        return True
    named = os.environ.get("NETRC")
    paths = [Path(named).expanduser()] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]
    for path in paths:
        try:
            kept = netrc.netrc(str(path))
        except (OSError, netrc.NetrcParseError):
            continue
        if any(found and found[2] for found in map(kept.authenticators, _hosts())):
            return True
    return False


def _hosts() -> list[str]:
    """Return by what names the server may have a key: that of the variable, of `wandb login --host`, or W&B's own."""
    own = wandb.Settings.model_fields["base_url"].default
    server = os.environ.get("WANDB_BASE_URL") or singleton().settings.base_url
    return [urlsplit(server).netloc, *([_FORMER] if server == own else [])]
