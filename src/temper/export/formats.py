"""How an exported model is written, and read again by what will run it.

torch   a program of torch.export, .pt2         runs under PyTorch, without temper
onnx    Open Neural Network Exchange, .onnx     runs under ONNX Runtime and others, without PyTorch

Either is one file, weights and preprocessing in it, and takes any number of examples at once.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from temper.export.answering import Answering, Meaning
from temper.refusal import Refusal

Answer = Callable[[Tensor], Tensor]  # raw inputs (n, ...) -> answers (n, ...)
METADATA = "metadata.json"  # the name under which a .pt2 file holds the meaning


@dataclass(frozen=True, kw_only=True)
class Format:
    """A way to write a model.

    Attributes:
        suffix: of its files.
        runtime: the name of what runs them.
        packages: what is needed beside PyTorch, by the names of import.
        dtypes: of the networks that it can hold.
        write: writes a program and its meaning to a file.
        load: returns what the file answers, on the CPU and on as many threads as PyTorch.
    """

    suffix: str
    runtime: str
    packages: tuple[str, ...]
    dtypes: tuple[torch.dtype, ...]
    write: Callable[[ExportedProgram, Meaning, Path], None]
    load: Callable[[Path], Answer]


def program_of(model: Answering, inputs: Tensor) -> ExportedProgram:
    """Return ``model`` as a program for any number of examples that are shaped as those in ``inputs`` (n, ...)."""
    blank = inputs.new_zeros(2, *inputs.shape[1:])  # a file keeps what it was made with: nobody's example
    program = torch.export.export(model, (blank,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # places in files of this machine
        if node.target is torch.ops.aten.squeeze.dim and node.meta["val"].shape == node.args[0].meta["val"].shape:
            node.replace_all_uses_with(node.args[0])  # which ONNX does not leave as it is, but refuses
            program.graph.erase_node(node)
    program.graph_module.recompile()
    return program


def check_packages(name: str) -> None:
    """Refuse the format ``name`` where one of its packages is missing.

    Raises:
        Refusal: names those that are missing and how they are installed.
    """
    missing = [package for package in FORMATS[name].packages if find_spec(package) is None]
    if missing:
        raise Refusal(
            f"--format {name}: needs {', '.join(missing)}: pip install -e '.[export]', or choose --format torch"
        )


def check_dtype(name: str, dtype: torch.dtype) -> None:
    """Refuse the format ``name`` where it cannot hold weights of ``dtype``.

    Raises:
        Refusal: names the run's key and the way out.
    """
    if dtype not in FORMATS[name].dtypes:
        raise Refusal(
            f"--format {name}: {FORMATS[name].runtime} has no float64 of most layers, and the run trained in"
            " precision=64-true: choose --format torch"
        )


def _write_program(program: ExportedProgram, meaning: Meaning, path: Path) -> None:
    torch.export.save(program, path, extra_files={METADATA: json.dumps(asdict(meaning))})


def _load_program(path: Path) -> Answer:
    module = torch.export.load(path).module()

    @torch.inference_mode()
    def answer(inputs: Tensor) -> Tensor:
        answers: Tensor = module(inputs)
        return answers

    return answer


def _folds(node: Any) -> bool | None:
    """Return False for what makes other numbers of whole ones, which must stay a byte each; None: as is usual."""
    from onnx_ir import DataType

    return False if any(value is not None and value.dtype == DataType.INT8 for value in node.inputs) else None


def _write_onnx(program: ExportedProgram, meaning: Meaning, path: Path) -> None:
    from onnxscript.optimizer import optimize_ir

    written = torch.onnx.export(
        program,
        input_names=[meaning.takes],
        output_names=[meaning.gives],
        dynamic_shapes=({0: "n"},),  # its name in the file
        verbose=False,
        optimize=False,  # it would, as below, but for what is not to be folded
    )
    assert written is not None
    optimize_ir(written.model, should_fold=_folds)
    for node in written.model.graph:
        node.metadata_props.clear()  # what each node was in PyTorch
    for name, value in asdict(meaning).items():
        written.model.metadata_props[name] = value if isinstance(value, str) else json.dumps(value)
    written.save(path, external_data=False)


def _load_onnx(path: Path) -> Answer:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def answer(inputs: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {name: inputs.numpy()})[0])

    return answer


FORMATS: Mapping[str, Format] = {
    "torch": Format(
        suffix=".pt2",
        runtime="torch.export",
        packages=(),
        dtypes=(torch.float32, torch.float64),
        write=_write_program,
        load=_load_program,
    ),
    "onnx": Format(
        suffix=".onnx",
        runtime="ONNX Runtime",
        packages=("onnx", "onnxscript", "onnxruntime"),
        dtypes=(torch.float32,),  # of convolutions and most activations ONNX Runtime has no other on a CPU
        write=_write_onnx,
        load=_load_onnx,
    ),
}
