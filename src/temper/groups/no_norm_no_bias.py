"""Two groups: weights decay, biases and norm parameters do not (He et al., 2019, arXiv:1812.01187, section 3.1).

decay = λ    for weights of linear, convolution, embedding and attention layers
decay = 0    for biases, for every parameter of a norm layer, and for whatever has fewer than two dimensions
rate = η     for both

It bites when weight decay is strong: a shrinking scale of a norm layer shrinks the signal and prevents no overfitting,
and a bias is one number an output, too little to overfit with.
"""

from torch import nn

from temper.facts import ParameterGroup
from temper.strategy import Groups, strategy

_NORMS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)


@strategy
class NoNormNoBias(Groups):
    """Weight decay on weights only."""

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return the group of weights, then that of all else; a group without parameters is left out."""
        norms = {id(p) for layer in module.modules() if isinstance(layer, _NORMS) for p in layer.parameters(False)}
        weights: dict[str, nn.Parameter] = {}
        others: dict[str, nn.Parameter] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                # Attention calls its biases in_proj_bias and bias_k, recurrent layers bias_ih_l0.
                bias = "bias" in name.rpartition(".")[2].split("_")
                exempt = bias or parameter.ndim < 2 or id(parameter) in norms
                (others if exempt else weights)[name] = parameter
        return [
            ParameterGroup(names=tuple(named), parameters=tuple(named.values()), decay=decay)
            for named, decay in ((weights, 1.0), (others, 0.0))
            if named
        ]
