"""What is trained on two processes in `test_ddp`: the words of each case, by its name."""

from temper.command.command_line import options

DOUBLE = ("precision=64-true", "epochs=2", "batch_size=108", "trainer.threads=1", "flush_every=5")  # 10 steps an epoch
CASES = {
    "plain": DOUBLE,
    "accumulated": (*DOUBLE, "accumulate=3", "clip.kind=norm", "clip.value=0.05", "gradient_norm=layers"),
    "odd": (*DOUBLE[:2], "batch_size=97", "trainer.threads=1"),  # parts of 49 and 48, a last batch of 12
    "small": (*DOUBLE[:1], "epochs=1", "data.validation=0.9", "data.test=0.05", "batch_size=8", "trainer.threads=1"),
    "recomputed": (*DOUBLE, "activation_checkpointing=blocks", "accumulate=2", "groups=layer_decay"),
    "adam": (*DOUBLE, "optimizer=adam", "scheduler=one_cycle", "penalty=[l1,l2]", "clip.kind=norm", "clip.value=0.5"),
    "mixup": (*DOUBLE, "augmentation=[mixup]", "optimizer=adamw"),
    "pruned": (*DOUBLE, "pruning=magnitude", "optimizer=nesterov"),
    "channels": (*DOUBLE, "pruning=channels", "pruning.scope=global", "optimizer=momentum"),
    "low_rank": (*DOUBLE, "low_rank=truncated_svd", "low_rank.start=0.3", "averaging=ema", "accumulate=2"),
    "whole": (*DOUBLE, "quantization=dynamic", "quantization.start=0.5"),
    "aware": (  # ranges are those of a micro-batch of both ranks, in blocks that run twice too
        *DOUBLE,
        *("quantization=aware", "quantization.start=0.3", "accumulate=2", "activation_checkpointing=blocks"),
    ),
    "ticket": (*DOUBLE, "pruning=lottery_ticket", "pruning.rounds=2", "scheduler=one_cycle", "accumulate=2"),
    "sampled": (*DOUBLE, "sampling=over", "data.imbalance=3", "data.label_noise=0.1"),
    "rmsprop": (*DOUBLE, "optimizer=rmsprop", "clip.kind=adaptive", "clip.value=0.1"),
    "adagrad": (*DOUBLE, "optimizer=adagrad", "clip.kind=value", "clip.value=0.01"),
    "regression": (
        *DOUBLE[:2],
        "task=linear_regression",
        "batch_size=30",
        "data.examples=505",
        "optimizer=sgd",
        "trainer.threads=1",
    ),
    "single": (  # one of the two ranks never has an example of its own
        *DOUBLE[:2],
        "task=linear_regression",
        "batch_size=1",
        "data.examples=40",
        "optimizer=sgd",
        "flush_every=3",
        "trainer.threads=1",
    ),
    **{  # every optimizer, 20 steps; a standardised pixel is 0 in no example, which Lion's sign of a gradient asks for
        name: (*DOUBLE, "preprocessing=[standardize]", f"optimizer={name}")
        for name in options("optimizer")
        if name not in ("adam", "adamw", "nesterov", "rmsprop", "adagrad")  # above
    },
    "poisson": (*DOUBLE, "sampling=poisson"),
    "private": (*DOUBLE, "sampling=poisson", "privacy=dp_sgd", "penalty=[l2]", "accumulate=2", "optimizer=adam"),
    "private_single": (  # a third of the batches is empty, and another third holds one example, of one rank alone
        *DOUBLE[:1],
        "epochs=1",
        "data.validation=0.9",
        "data.test=0.05",
        "batch_size=1",
        "sampling=poisson",
        "privacy=dp_sgd",
        "flush_every=5",
        "trainer.threads=1",
    ),
    "views": (  # ranks of 8 and 7 test images
        *DOUBLE[:2],
        "batch_size=20",
        "data=image_folder",
        "data.root=IMAGES",
        "data.test=0.25",
        "preprocessing=[normalize]",
        "trainer.threads=1",
        "test_time_augmentation=mirror_and_shift",
    ),
    "averaged": (*DOUBLE, "averaging=ema", "optimizer=adam"),
    "growing": (*DOUBLE, "batch_growth=multiply", "batch_growth.every=1"),
    "stopped": (*DOUBLE[:1], "epochs=9", "batch_size=108", "stopping=[target]", "target=0.5", "trainer.threads=1"),
    "plateau": (
        *DOUBLE,
        "epochs=4",
        "scheduler=plateau",
        "scheduler.patience=0",
        "scheduler.threshold_mode=abs",
        "scheduler.threshold=9",
    ),
    "flat": (  # ends in the middle of an epoch
        *DOUBLE[:1],
        *("epochs=9", "task=linear_regression", "batch_size=30", "data.examples=505", "optimizer=sgd"),
        *("stopping=[gradient_norm]", "stopping.gradient_norm.bound=1.0", "flush_every=4", "trainer.threads=1"),
    ),
    "hardest": (*DOUBLE, "epochs=3", "sampling=hardest", "sampling.keep=[1.0,0.5,0.7]", "accumulate=3"),
    "settled": (  # layers that stop learning
        *DOUBLE,
        *("task.hidden=[16,8]", "layer_freezing=progressive", "layer_freezing.until=[30%,60%]"),
        *("accumulate=3", "clip.kind=norm", "optimizer=adam"),
    ),
    "timed": (*DOUBLE, "stopping=[wall_time]", "stopping.wall_time.minutes=1e-9"),
    "resumed": (*DOUBLE, "checkpoint_seconds=1e-9", "augmentation=[mixup]"),  # cut off after 13 steps, started again
}
TAUGHT = ("distillation=[logits]", "distillation.logits.teacher=PLAIN", "distillation.logits.weight=0.5")
CASES |= {  # taught by the first case
    "uncertainty": (*DOUBLE, *TAUGHT, "weighting=uncertainty", "optimizer=adam"),
    "gradnorm": (*DOUBLE, *TAUGHT, "weighting=gradnorm", "accumulate=3"),
    "hints": (  # whose regressor is trained too
        *DOUBLE,
        "distillation=[hints,dkd]",
        *(f"distillation.{name}.{knob}" for name in ("hints", "dkd") for knob in ("teacher=PLAIN", "weight=0.3")),
        "accumulate=2",
    ),
    "dynamic_weight_average": (*DOUBLE, *TAUGHT, "epochs=3", "weighting=dynamic_weight_average"),
}
TAKEN = (*DOUBLE, "transfer=checkpoint", "transfer.run=PLAIN")
CASES |= {  # from the weights of the first case
    "frozen": (*TAKEN, "transfer.freeze=1", "optimizer=adamw", "penalty=[l2]"),
    "unfrozen": (*TAKEN, "transfer.freeze=backbone", "transfer.unfreeze=4steps", "accumulate=3", "clip.kind=norm"),
}
SYNCED = (  # batch norm over the examples of both ranks, of parts of 49 and 48
    *DOUBLE[:1],
    *("epochs=1", "batch_size=97", "data=digit_images", "preprocessing=[normalize]", "trainer.threads=1"),
    *("task=cifar_resnet", "task.depth=8", "task.width=0.25", "task.norm=sync"),
)
CASES |= {
    "synced": (*SYNCED, "epochs=2", "optimizer=adam", "averaging=ema", "activation_checkpointing=blocks"),
    "synced_twice": (*SYNCED, "optimizer=sam", "task.connection=preactivation", "task.stem=imagenet"),
}
IMAGES = (  # batch norm sees each rank's examples by themselves: two ranks are held against two
    *DOUBLE[:1],
    "epochs=2",
    "batch_size=20",
    "task=cifar_resnet",
    "task.depth=8",
    "task.width=0.25",
    "data=image_folder",
    "task.stochastic_depth=0.5",
    "task.dropout=0.2",
    "trainer.threads=1",
)
LAST = (*IMAGES, "channels_last=true")
OF_TWO = {"kept": IMAGES, "channels_last": LAST, "recomputed_blocks": (*IMAGES, "activation_checkpointing=blocks")}
ON = ("trainer=fsdp",)
SHARDED = (  # what does not go entry by entry, or looks at weights or gradients beside the optimizer
    *(
        "accumulated",
        "odd",
        "recomputed",
        "adam",
        "rmsprop",
        "regression",
        "single",
        "averaged",
        "unfrozen",
        "channels_last",
    ),
    *("muon", "lamb", "lars", "sam", "lookahead", "schedule_free_adamw", "plateau"),
)
CUT = {"resumed": ((), ()), "gone_on_whole": (ON, ()), "gone_on_sharded": ((), ON)}  # each start's own words
CASES |= {"gone_on_whole": CASES["averaged"], "gone_on_sharded": CASES["averaged"]}
EXAMPLES = {"views": (15, 33, 12), "plain": (359, 1079, 359), "regression": (101, 303, 101)}  # test, train, val
