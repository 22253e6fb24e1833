"""What users of Lightning and of other templates type, and what it is called here.

Torch is not imported here.
"""

import re

from temper.recipes import CONF
from temper.refusal import nearest

_KEYS = {  # {value}: what was typed
    "experiment": "recipe={value}",
    "ckpt_path": "ckpt={value}",
    "resume": "hydra.run.dir={value}, with the words that the run was started with",
    "datamodule": "data={value}",
    "hparams_search": "-m search=NAME with values to choose from: -m search=tpe 'optimizer.lr=interval(0.01,1)'",
    "callbacks": "an axis such as stopping, pruning",
    "lr": "optimizer.lr={value}",
    "max_epochs": "epochs={value}",
    "gpus": "trainer=gpu trainer.devices={value}",
    "accelerator": "trainer.accelerator={value}",
    "devices": "trainer.devices={value}, with trainer=gpu or trainer=ddp",
    "strategy": "trainer=ddp or another option of the trainer",
    "wandb": "logger=[wandb]",
    "trainer.max_epochs": "epochs={value}",
    "trainer.max_steps": "epochs, or for a trial debug=steps debug.steps={value}",
    "trainer.precision": "precision={value}",
    "trainer.gradient_clip_val": "clip.kind=norm clip.value={value}",
    "trainer.gradient_clip_algorithm": "clip.kind=norm or clip.kind=value",
    "trainer.strategy": "trainer=ddp or another option of the trainer",
    "trainer.num_nodes": "trainer.nodes={value}, with trainer=ddp",
    "trainer.fast_dev_run": "debug=steps",
    "trainer.limit_train_batches": "debug=steps",
    "trainer.overfit_batches": "debug=overfit",
    "trainer.profiler": "debug=profile",
    "trainer.check_val_every_n_epoch": "validate_every={value}",
    "trainer.log_every_n_steps": "flush_every={value}",
    "data.batch_size": "batch_size={value}",
}
_NETWORKS = ("model", "net")  # by which others mean a task
_OPTIONS = {
    ("logger", name): "metrics.csv and curves.png, which are always written, and logger=[wandb]"
    for name in ("tensorboard", "csv", "mlflow", "comet", "neptune", "many_loggers")
}
_RESNET = re.compile(r"(?:\w*_)?resnet_?(\d+)", re.IGNORECASE)
_OF_THREE_STAGES, _OF_FOUR_STAGES = (20, 32, 44, 56, 110), (18, 34, 50)  # layers


def translated(key: str, value: str) -> str | None:
    """Return what ``key=value`` is called here, or None where no other word for it is known."""
    root, beneath = key.split(".")[0], "." in key
    if root in _NETWORKS:
        return "task" if beneath else _network(value)
    if key == "trainer.accumulate_grad_batches":
        times = f"{value} times" if value.isdigit() else "as many times"
        return (
            f"accumulate{f'={value}' * value.isdigit()} with batch_size {times} as large: here batch_size is that of a"
            " whole step"
        )
    if key in _KEYS:
        return _KEYS[key].format(value=value)
    if root in _KEYS:
        return _KEYS[root].partition("={value}")[0]
    return None


def translated_option(axis: str, option: str) -> str | None:
    """Return what the option of ``axis`` is called here, or None where no other word for it is known."""
    return _OPTIONS.get((axis, option))


def _network(value: str) -> str:
    found = _RESNET.fullmatch(value)
    depth = int(found[1]) if found else 0
    if depth in _OF_FOUR_STAGES:
        return f"task=cifar_resnet task.stages=4 task.depth={depth}"
    if depth in _OF_THREE_STAGES:
        return f"task=cifar_resnet task.depth={depth}"
    if found:
        return "task=cifar_resnet, with task.depth=20, 32, 44, 56 or 110, or task.stages=4 and task.depth=18, 34 or 50"
    tasks = [path.stem for path in (CONF / "task").glob("*.yaml")]
    return f"task={value}" if value in tasks else f"task; {nearest(value, tasks)}"
