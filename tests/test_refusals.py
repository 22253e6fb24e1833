"""Bad input is answered before any work: one short message with the key, the bound or nearest name, the way out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from temper.command import command_line
from temper.command.job import Job
from temper.refusal import refusing
from temper.run import run

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 8

TAUGHT = ("distillation=[logits]", "distillation.logits.teacher=a/run")
TAKEN = ("transfer=checkpoint", "transfer.run=a/run")


def taught(name: str, *words: str) -> tuple[str, ...]:
    return f"distillation=[{name}]", f"distillation.{name}.teacher=a/run", *words


TWO = taught("hints", "distillation=[hints,relational]", "distillation.relational.teacher=a/run")
BAD: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    # words typed, what the message must name
    (("optimizer=adm",), ("optimizer=adm", "adam")),
    (("optimizer.lrr=1",), ("optimizer.lrr", "did you mean lr?")),
    (("optimizer.lr=-1",), ("optimizer.lr=-1", "> 0")),
    (("optimizer.lr=fast",), ("optimizer.lr=fast", "number")),
    (("optimizer.lr=true",), ("optimizer.lr=True", "number")),
    (("task=cifar_resnet", "loss=mse"), ("loss=mse", "data=cifar10", "cross_entropy")),
    (("task=cifar_resnet", "data.root=/nowhere"), ("/nowhere", "data.root=")),
    (("data=image_folder",), ("data.root", "data.root=FOLDER")),
    (("data=image_folder", "data.root=/nowhere"), ("data.root=/nowhere", "subfolder a class")),
    (("data=table", "data.target=price"), ("data.path", "data.path=FILE.csv")),
    (("data=table", "data.path=/nowhere.csv", "data.target=price"), ("/nowhere.csv", "no such file")),
    (("seed=-1",), ("seed=-1", ">= 0")),
    (("seed=0.5",), ("seed=0.5", "whole number")),
    (("ckpt=/nowhere/last.ckpt",), ("ckpt=/nowhere/last.ckpt", ".ckpt")),
    (("recipe=baseline/digits_mpl",), ("recipe", "baseline/digits_mlp")),
    (("recipe=digits_mlp",), ("recipe", "baseline/digits_mlp")),
    (("experiment=x",), ("experiment=x", "recipe=x")),
    (("ckpt_path=x",), ("ckpt_path=x", "ckpt=x")),
    (("model=x",), ("model=x", "task; there is cifar_resnet")),
    (("trainer.max_epochs=3",), ("trainer.max_epochs=3", "epochs=3")),
    (("optimiser=adam",), ("optimiser", "optimizer")),
    (("adam",), ("adam", "KEY=VALUE")),
    (("optimizer=[adam,sgd]",), ("optimizer", "one option")),
    (("optimizer=adam,sgd",), ("optimizer=adam,sgd", "-m")),
    (("launcher=slurm",), ("launcher=slurm", "put -m in front", "trainer=ddp")),
    (("launcher=slrum",), ("launcher=slrum", "did you mean slurm?")),
    (("launcher.jobs=2",), ("launcher.jobs", "launcher=NAME")),
    (("~optimizer",), ("~optimizer", "another optimizer")),
    (("~pruning",), ("~pruning", "pruning=none")),
    (("augmentation=[crop,flop]",), ("flop", "flip")),
    (("augmentation=[crop]",), ("crop", "images")),
    (("augmentation.crop.padding=2",), ("augmentation.crop.padding", "augmentation=[crop]")),
    (
        ("test_time_augmentation=mirror",),
        ("test_time_augmentation=mirror", "data=digits", "test_time_augmentation=null"),
    ),
    (("task=cifar_resnet", "test_time_augmentation=flip"), ("test_time_augmentation=flip", "'mirror_and_shift'")),
    (("task=cifar_resnet", "test_time_augmentations=mirror"), ("did you mean test_time_augmentation?",)),
    (
        (
            "task=cifar_resnet",
            "expect={_target_:temper.experiment.settings.Expectation,metric:test/accuracy_tta,value:0.9,tolerance:0.01}",
        ),
        ("expect.metric=test/accuracy_tta", "set test_time_augmentation=mirror"),
    ),
    (
        (
            "task=cifar_resnet",
            "expect={_target_:temper.experiment.settings.Expectation,metric:val/accuracy_tta,value:0.9,tolerance:0.01}",
        ),
        ("expect.metric=val/accuracy_tta", "is no metric"),
    ),
    (("penalty=[l2]", "penalty.l2.alpha=-0.1"), ("penalty.l2.alpha=-0.1", ">= 0")),
    (("task=linear_regression", "data=digits"), ("mse", "digits", "cross_entropy")),
    (("task=linear_regression", "loss=cross_entropy"), ("loss=cross_entropy", "mse")),
    (("task=cifar_resnet", "data=digits"), ("task=cifar_resnet", "images", "cifar10")),
    (("task=cifar_resnet", "task.depth=21"), ("task.depth=21", "20")),
    (("task.hidden=[]", "task.dropout=0.5"), ("task.dropout=0.5", "hidden", "or set dropout=null")),
    (("task.dropout=1.0",), ("task.dropout=1.0", "< 1")),
    (
        ("task=cifar_resnet", "task.stochastic_depth=0.2", "task.connection=plain"),
        ("task.stochastic_depth=0.2", "connection=plain", "connection=residual"),
    ),
    (("task=cifar_resnet", "task.stochastic_depth=1"), ("task.stochastic_depth=1", "< 1")),
    (("activation_checkpointing=layers",), ("activation_checkpointing=layers", "blocks")),
    (
        ("task=linear_regression", "activation_checkpointing=blocks"),
        ("activation_checkpointing=blocks", "task=linear_regression", "activation_checkpointing=null", "task=mlp"),
    ),
    (
        ("task=linear_regression", "groups=layer_decay"),
        ("groups=layer_decay", "task=linear_regression", "groups=no_norm_no_bias"),
    ),
    (("task.hidden=[]", "groups=head"), ("groups=head", "task=mlp", "task.hidden=[64]")),
    (("groups=layer_decay", "groups.factor=0"), ("groups.factor=0", "> 0")),
    (("groups=head", "groups.backbone_rate=0.0"), ("groups.backbone_rate=0.0", "> 0")),
    (("task.hidden=[]", "activation_checkpointing=blocks"), ("activation_checkpointing=blocks", "task.hidden=[64]")),
    (("resolution=linear",), ("resolution=linear", "data=digits", "resolution=none")),
    (("data=cifar10", "preprocessing=[normalize]", "resolution=linear"), ("task=mlp", "one size", "task=convnet")),
    (("task=convnet", "resolution=piecewise", "resolution.sides=[]"), ("resolution.sides", "at least 1")),
    (("task=convnet", "task.pooling=mean"), ("task.pooling=mean", "max")),
    (("task=convnet", "resolution=linear", "resolution.until=1.0"), ("resolution.until=1.0", "< 1")),
    (("preprocessing=[normalize]",), ("normalize", "standardize")),
    (("preprocessing.standardize.target=true",), ("preprocessing.standardize.target", "false")),
    (("sampling=over", "task=linear_regression"), ("sampling=over", "data=line", "sampling=none")),
    (("sampling=weighted", "sampling.power=null"), ("sampling.power", "weights")),
    (("sampling=weighted", "sampling.power=null", "sampling.weights=[1.0,2.0]"), ("sampling.weights", "10 classes")),
    (("loss.class_weights=[1.0,2.0]",), ("loss.class_weights", "10 classes (0, 1, 2", "inverse")),
    (("loss=focal", "loss.class_weights=balanced"), ("loss.class_weights=balanced", "inverse")),
    (("loss=class_balanced", "sampling=over"), ("loss=class_balanced", "sampling=none", "loss=cross_entropy")),
    (("loss.class_weights=inverse", "sampling=balanced"), ("sampling=balanced", "loss.class_weights=null")),
    (("loss=huber",), ("loss=huber", "regression", "cross_entropy")),
    (("weighting=gradnorm",), ("weighting=gradnorm", "distillation=[logits]", "weighting=fixed")),
    ((*TAUGHT, "weighting=gradnorm", "precision=16-mixed"), ("precision=16-mixed", "gradnorm", "bf16-mixed")),
    ((*TAUGHT, "weighting=gradnorm", "compile=true"), ("weighting=gradnorm", "compile=false")),
    ((*TAUGHT, "weighting=schedule", "weighting.end={hints:0.1}"), ("weighting.end.hints", "logits")),
    ((*TAUGHT, "weighting=schedule", "weighting.end=2"), ("weighting.end=2", "<= 1", "{NAME: value}")),
    ((*TAUGHT, "weighting=dynamic_weight_average", "weighting.temperature=0"), ("weighting.temperature=0", "> 0")),
    (
        ("sampling=poisson", "privacy=dp_sgd", "activation_checkpointing=blocks"),
        ("privacy=dp_sgd", "activation_checkpointing=null"),
    ),
    (("privacy=dp_sgd",), ("privacy=dp_sgd", "sampling=none", "sampling=poisson")),
    (("sampling=poisson", "privacy=dp_sgd", "privacy.epsilon=1.0"), ("privacy", "noise_multiplier", "null")),
    (("sampling=poisson", "privacy=dp_sgd", "privacy.delta=0.01"), ("privacy.delta=0.01", "below 0.0009")),
    (("data.imbalance=1000",), ("data.imbalance=1000", "at most")),
    (("data.label_noise=2",), ("data.label_noise=2", "<= 1")),
    (("preprocessing=[median]",), ("median", "standardize")),
    (("stopping=[target]",), ("target", "target=0.95")),
    (("stopping=[patience]", "data.validation=0"), ("patience", "data.validation")),
    (("distillation=[logits]",), ("distillation.logits", "teacher")),
    ((*TWO, "distillation.hints.weight=0.34"), ("add up to 1", "head", "weighting=schedule")),
    ((*TWO, "distillation.hints.weight=0.9"), ("add up to 1.56", "distillation.hints.weight")),
    (("pruning=lottery_ticket", "pruning.rounds=50", "epochs=1"), ("pruning.rounds=50", "17 steps", "raise epochs")),
    (("++epochs=3",), ("++epochs=3", "write epochs=3")),
    (("hydra.sweep.dir=README.md",), ("hydra.sweep.dir=README.md", "is a file")),
    (("optimizer=glob(*)",), ("glob", "optimizer=a,b")),
    (
        (
            "transfer=checkpoint",
            "transfer.run=a/run",
            "transfer.freeze=backbone",
            "transfer.unfreeze=2steps",
            "optimizer=schedule_free_sgd",
        ),
        ("transfer.unfreeze", "optimizer=schedule_free_sgd", "optimizer=adamw"),
    ),
    (("distillation=[logits]", "distillation.logits.teacher=/nowhere"), ("teacher=/nowhere", "run")),
    (
        ("distillation=[logits]", "distillation.logits.teacher=recipe:baseline/digits_mlp"),
        ("teacher=recipe:baseline/digits_mlp", "recipe=baseline/digits_mlp hydra.run.dir=outputs/baseline/digits_mlp"),
    ),
    (
        ("distillation=[logits]", "distillation.logits.teacher=recipe:digits_mlp"),
        ("distillation.logits.teacher=recipe:digits_mlp", "did you mean baseline/digits_mlp?"),
    ),
    (
        taught("dkd", "data=tanh_threshold", "loss=cross_entropy"),
        ("distillation=dkd", "data=tanh_threshold", "distillation=[logits]"),
    ),
    (
        taught("dkd", "augmentation=[mixup]"),
        ("distillation=dkd", "augmentation=mixup", "distillation=[logits]"),
    ),
    (
        taught("hints", "task.hidden=[]"),
        ("distillation=hints", "task=mlp", "task.hidden=[64]"),
    ),
    (
        taught("attention_transfer"),
        ("distillation=attention_transfer", "task=mlp", "distillation=[hints]", "task=cifar_resnet"),
    ),
    (
        taught("relational", "batch_size=4", "accumulate=2"),
        ("distillation=relational", "batch_size=4", "accumulate=2", "raise batch_size"),
    ),
    (
        (*taught("logits"), "distillation=[logits,hints]", "distillation.hints.teacher=a/run"),
        ("logits, hints add up to 1.4", "distillation.logits.weight or distillation.hints.weight"),
    ),
    (("transfer=checkpoint",), ("transfer.run", "transfer.run=RUN")),
    (("transfer=checkpoint", "transfer.run=/nowhere"), ("transfer.run=/nowhere", "run's folder")),
    ((*TAKEN, "transfer.freeze=0"), ("transfer.freeze=0", "backbone", "> 0")),
    ((*TAKEN, "transfer.unfreeze=1epochs"), ("transfer.unfreeze=1epochs", "freeze=backbone", "unfreeze=null")),
    ((*TAKEN, "transfer.freeze=1", "transfer.unfreeze=40epochs"), ("transfer.unfreeze=40epochs", "epochs=40", "10%")),
    ((*TAKEN, "transfer.freeze=1", "pruning=magnitude"), ("transfer.freeze", "pruning=magnitude", "pruning=none")),
    (
        (*TAKEN, *TAUGHT, "transfer.freeze=1", "weighting=gradnorm", "weighting.layer=head"),
        ("transfer.freeze", "weighting.layer=head", "weighting.layer=null"),
    ),
    ((*TAKEN, "task.hidden=[]", "transfer.head=new"), ("transfer.head=new", "task=mlp", "transfer.head=keep")),
    (
        (*TAKEN, "task.hidden=[]", "transfer.freeze=backbone"),
        ("transfer=checkpoint", "task=mlp", "transfer.freeze=null"),
    ),
    ((*TAKEN, "ckpt=a/last.ckpt"), ("ckpt=a/last.ckpt", "transfer=checkpoint", "transfer=none")),
    ((*TAKEN, "sampling=poisson", "privacy=dp_sgd"), ("privacy=dp_sgd", "transfer=checkpoint", "transfer=none")),
    (("transfer=torchvision",), ("transfer=torchvision", "task=mlp", "task=cifar_resnet", "task.stages=4")),
    (("task=cifar_resnet", "transfer=torchvision"), ("task.stages=3", "task.stages=4")),
    (("batch_size=0",), ("batch_size=0", "> 0", "full")),
    (("batch_size=half",), ("batch_size=half", "full")),
    (("batch_size=2", "accumulate=4"), ("accumulate=4", "batch_size=2")),
    (("scheduler=one_cycle", "scheduler.warmup=5epochs"), ("warmup", "pct_start")),
    (("scheduler.warmup=5",), ("scheduler.warmup=5", "5epochs")),
    (("scheduler=triangular", "scheduler.warmup=5epochs"), ("scheduler.warmup", "rise of its own")),
    (("scheduler=multi_step", "scheduler.milestones=[75%,50%]"), ("scheduler.milestones", "50% follows 75%")),
    (("scheduler=multi_step", "scheduler.milestones=[30,60]"), ("scheduler.milestones", "5epochs")),
    (("scheduler=plateau", "data.validation=0"), ("scheduler=plateau", "data.validation")),
    (("scheduler=linear", "scheduler.final_factor=1.0"), ("scheduler.final_factor", "scheduler=constant")),
    (("scheduler=triangular", "scheduler.gamma=0.5"), ("scheduler.gamma", "mode=exp_range", "null")),
    (("initialization=zero_gamma",), ("initialization=zero_gamma", "task=mlp", "task=cifar_resnet")),
    (("initialization=uniform", "initialization.low=1.0"), ("initialization.low=1", "high=0.1")),
    (("initialization=xavier", "initialization.gain=gelu"), ("initialization.gain=gelu", "relu", "number")),
    (("stopping=[wall_time]", "stopping.wall_time.minutes=0"), ("stopping.wall_time.minutes=0", "> 0")),
    (("pruning=magnitude", "pruning.sparsity=1"), ("pruning.sparsity=1", "< 1")),
    (("pruning=magnitude", "pruning.start=0.9"), ("pruning", "start", "end")),
    (("pruning=random", "pruning.every=0"), ("pruning", "every", "1steps")),
    (("pruning=n_m", "pruning.n=4"), ("pruning", "n must be less than m (4)", "pruning=none")),
    (("pruning=n_m", "task.hidden=[6,8]", "pruning.m=5"), ("pruning.m=5", "linear1 (64)", "lower pruning.m")),
    (("pruning=n_m", "task=linear_regression"), ("pruning=n_m", "task=linear_regression", "task.hidden=[64]")),
    (("pruning=lottery_ticket", "pruning.rounds=0"), ("pruning.rounds=0", "> 0")),
    (("pruning=lottery_ticket", "averaging=ema"), ("pruning=lottery_ticket", "averaging=none")),
    (("pruning=lottery_ticket", "scheduler=plateau"), ("pruning=lottery_ticket", "scheduler=cosine")),
    (("pruning=lottery_ticket", "batch_growth=linear"), ("pruning=lottery_ticket", "batch_growth=none")),
    (("pruning=lottery_ticket", "task=convnet", "resolution=linear"), ("resolution=linear", "resolution=none")),
    (("pruning=lottery_ticket", "ckpt=/a/last.ckpt"), ("pruning=lottery_ticket", "ckpt=/a/last.ckpt", "ckpt=null")),
    (("pruning=channels", "pruning.sparsity=1"), ("pruning.sparsity=1", "< 1")),
    (("pruning=channels", "pruning.by=l3"), ("pruning.by=l3", "'scale'")),
    (("pruning=channels", "task=linear_regression"), ("pruning=channels", "task=linear_regression", "task.hidden=")),
    (("pruning=channels", "task.hidden=[]"), ("pruning=channels", "task=mlp", "pruning=magnitude")),
    (("pruning=channels", "task=cifar_resnet", "task.norm=group"), ("pruning=channels", "set task.norm=null")),
    (("pruning=channels", "task.hidden=[1]"), ("pruning=channels", "task.hidden=[64]")),
    (("pruning=channels", "pruning.by=scale"), ("pruning.by=scale", "task=mlp", "choose pruning.by=l1")),
    (("pruning=channels", "pruning.by=scale", "task=convnet"), ("pruning.by=scale", "task=convnet", "cifar_resnet")),
    (
        ("pruning=channels", "pruning.by=scale", "pruning.start=0.0", "pruning.end=0.0", "task=cifar_resnet"),
        ("pruning.end=0.0", "raise end"),
    ),
    (("optimizer=schedule_free_sgd", "pruning=channels"), ("pruning=channels", "choose pruning=none")),
    (("channels_last=true",), ("channels_last=true", "data=digits", "channels_last=false")),
    (("precision=half",), ("precision=half", "bf16-mixed")),
    (("clip.kind=length",), ("clip.kind=length", "norm")),
    (("clip.kind=adaptive", "clip.value=0.01", "task=linear_regression"), ("task=linear_regression", "clip.kind=norm")),
    (("clip.kind=norm", "precision=16-mixed"), ("clip.kind=norm", "bf16-mixed")),
    (("gradient_norm=whole", "precision=16-mixed"), ("gradient_norm=whole", "bf16-mixed", "gradient_norm=null")),
    (("optimizer._target_=torch.optim.SGD",), ("torch.optim.SGD is not of temper", "conf/AXIS/NAME.yaml")),
    (("optimizer=schedule_free_sgd", "scheduler=cosine"), ("schedule_free_sgd", "scheduler=constant")),
    (("optimizer=schedule_free_adamw", "averaging=ema"), ("schedule_free_adamw", "averaging=none")),
    (("averaging=ema", "averaging.start=4epochs", "epochs=3"), ("averaging.start=4epochs", "epochs=3", "50%")),
    (("optimizer=lookahead", "averaging=swa"), ("lookahead over momentum", "averaging=none")),
    (("optimizer=lookahead", "pruning=magnitude"), ("lookahead over momentum", "pruning=none")),
    (("optimizer=sam", "accumulate=2"), ("sam over momentum", "accumulate=1")),
    (("optimizer=sam", "precision=bf16-true"), ("sam over momentum", "bf16-mixed")),
    (
        ("optimizer=sam", "optimizer@optimizer.base=schedule_free_sgd", "scheduler=one_cycle"),
        ("sam over schedule_free_sgd", "scheduler=constant"),
    ),
    (("optimizer=sam", "optimizer@optimizer.base=sam"), ("optimizer.base=sam", "optimizer@optimizer.base=adam")),
    (("optimizer=sam", "optimizer@optimizer.base=adm"), ("optimizer@optimizer.base=adm", "adam")),
    (("optimizer=sam", "optimizer@optimizer.bse=adam"), ("optimizer.bse", "optimizer@optimizer.base?")),
    (("optimizer=sam", "optimizer.base=adam"), ("optimizer.base=adam", "optimizer@optimizer.base=adam")),
    (("optimizer=sam", "optimizer.lr=0.1"), ("optimizer.lr", "did you mean optimizer.base.lr?")),
    (("optimizer@optimizer.base=adam",), ("optimizer@optimizer.base=adam", "optimizer=sam")),
    (("optimizer=muon", "optimizer.momentum=0.0"), ("optimizer.nesterov", "nesterov=false")),
    (("clip=norm",), ("clip=norm", "clip.kind")),
    (("validate_every=0",), ("validate_every=0", "> 0")),
]
if not torch.cuda.is_available():
    BAD.append((("trainer=gpu",), ("trainer=gpu", "trainer=cpu")))
    BAD.append((("precision=16-mixed",), ("precision=16-mixed", "bf16-mixed")))


@pytest.mark.parametrize(("words", "named"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_names_key_and_way_out(
    words: Sequence[str],
    named: Sequence[str],
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def typed() -> None:
        with refusing():
            command_line.check(list(words))
            run(job_of(*words, folder=tmp_path / "run"))

    with pytest.raises(SystemExit) as ended:
        typed()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) <= MOST_LINES
    assert all(word in message for word in named), message
    assert "Traceback" not in message
    assert not (tmp_path / "run").exists(), "nothing is created before the input is found good"
