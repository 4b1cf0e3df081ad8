"""Names that the generated programs and FINN's hardware nodes use for themselves, so that no layer can have them."""

from __future__ import annotations

import keyword
import re

# The nodes that one layer becomes in hardware, by the ending of their names; as templates/support/finn/names.py.
ROLES = re.compile(r"\.(pad|window|fork|turned|magnitude|uint2|partial\d+|fifo|width)$")

# What every torch.nn.Module has, torch 2.12; tests/emit/test_names.py holds the list to torch.
OF_MODULES = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
# Names in the generated files besides the classes of a network's parts, and the method of SuperNetwork.
OF_FILES = frozenset(
    [
        "Network",
        "SuperNetwork",
        "Tensor",
        "MixedOp",
        "Cells",
        "BinaryWeight",
        "BitChoice",
        "ChannelChoice",
        "Channels",
        "FloorTrunc",
        "IntWeight",
        "JoinAct",
        "TensorBinaryWeight",
        "TensorIntWeight",
        "UnsignedAct",
        "SearchedConv2d",
        "SearchedLinear",
        "SearchedReLU",
        "NAME",
        "INPUT_SHAPE",
        "INPUT_DTYPE",
        "INPUT_SCALE",
        "CLASSES",
        "OPS",
        "IntegerGraph",
    ]
)
# Parts that the cells of a whole network and the programs have for themselves.
OF_PARTS = ("nas", "cells")


def layer_of(node_name: str) -> str:
    """The layer of the spec that a hardware node came from."""
    while ROLES.search(node_name):
        node_name = ROLES.sub("", node_name)
    return node_name


def python_name(path: str) -> str:
    """`group0.block0.conv1` as a variable of the generated programs."""
    return path.replace(".", "_")


def class_name(part: str) -> str:
    return part[0].upper() + part[1:]


def is_taken_in_python(name: str) -> bool:
    """Whether a layer cannot be an attribute of that name, or a variable."""
    return keyword.iskeyword(name) or name in OF_MODULES or name == "self" or name.startswith("_")
