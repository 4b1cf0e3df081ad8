"""Search network of `quickstart`, in full precision: written by nashc from quickstart.nash, which is the place to change it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from support.layers.initial_weights import kaiming
from support.search.ops import batch_norm
from support.search.space import Cells, MixedOp

NAME = "quickstart"
INPUT_SHAPE = (1, 8, 8)  # channels, height, width
INPUT_SCALE = 1 / 255
CLASSES = 10
OPS = ("zero", "maxpool 3x3", "identity", "conv 1x1", "conv 3x3")
OPS_2 = ("zero", "maxpool 3x3", "conv 1x1", "conv 3x3")


class Stem(nn.Module):
    """1x8x8 -> 16x8x8"""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1, bias=False)  # quickstart.nash:10
        self.conv_bn = batch_norm(16)

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv_bn(self.conv(x))
        return torch.relu(conv)


class Group0(nn.Module):
    """16x8x8 -> 16x8x8"""

    def __init__(self) -> None:
        super().__init__()
        self.block0_conv1 = nn.Conv2d(16, 16, 3, padding=1, bias=False)  # resnet.nash:7
        self.block0_conv1_bn = batch_norm(16)
        self.nas_edge0_1 = MixedOp(OPS, 16, 16)
        self.block0_conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)  # resnet.nash:7
        self.block0_conv2_bn = batch_norm(16)
        self.nas_edge0_2 = MixedOp(OPS, 16, 16)
        self.nas_edge1_2 = MixedOp(OPS, 16, 16)

    def forward(self, x: Tensor) -> Tensor:
        block0_conv1 = self.block0_conv1_bn(self.block0_conv1(x))
        nas_node1_add = block0_conv1 + self.nas_edge0_1(x)
        nas_node1_act = torch.relu(nas_node1_add)
        block0_conv2 = self.block0_conv2_bn(self.block0_conv2(nas_node1_act))
        block0_add = block0_conv2 + x
        nas_node2_add = block0_add + self.nas_edge0_2(x) + self.nas_edge1_2(nas_node1_act)
        return torch.relu(nas_node2_add)


class Group1(nn.Module):
    """16x8x8 -> 32x4x4"""

    def __init__(self) -> None:
        super().__init__()
        self.block0_conv1 = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)  # resnet.nash:7
        self.block0_conv1_bn = batch_norm(32)
        self.nas_edge0_1 = MixedOp(OPS_2, 16, 32, stride=2)
        self.block0_conv2 = nn.Conv2d(32, 32, 3, padding=1, bias=False)  # resnet.nash:7
        self.block0_conv2_bn = batch_norm(32)
        self.block0_down = nn.Conv2d(16, 32, 1, stride=2, bias=False)  # resnet.nash:8
        self.block0_down_bn = batch_norm(32)
        self.nas_edge0_2 = MixedOp(OPS_2, 16, 32, stride=2)
        self.nas_edge1_2 = MixedOp(OPS, 32, 32)

    def forward(self, x: Tensor) -> Tensor:
        block0_conv1 = self.block0_conv1_bn(self.block0_conv1(x))
        nas_node1_add = block0_conv1 + self.nas_edge0_1(x)
        nas_node1_act = torch.relu(nas_node1_add)
        block0_conv2 = self.block0_conv2_bn(self.block0_conv2(nas_node1_act))
        block0_down = self.block0_down_bn(self.block0_down(x))
        block0_add = block0_conv2 + block0_down
        nas_node2_add = block0_add + self.nas_edge0_2(x) + self.nas_edge1_2(nas_node1_act)
        return torch.relu(nas_node2_add)


class Head(nn.Module):
    """32x4x4 -> 10"""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(32, CLASSES, bias=False)  # quickstart.nash:13

    def forward(self, x: Tensor) -> Tensor:
        avgpool = x.mean(dim=(2, 3))
        return self.fc(avgpool)


class SuperNetwork(nn.Module):
    """1x8x8 -> 10 logits"""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.group0 = Group0()
        self.group1 = Group1()
        self.head = Head()
        kaiming(self)

    def forward(self, image: Tensor) -> Tensor:
        """image: pixels as whole floats, N x 1 x 8 x 8; returns logits, N x 10."""
        x = self.stem(image * INPUT_SCALE)
        x = self.group0(x)
        x = self.group1(x)
        return self.head(x)

    def cells(self) -> Cells:
        """By cell, the op of each edge (from node, to node)."""
        return {
            "group0": {
                (0, 1): self.group0.nas_edge0_1,
                (0, 2): self.group0.nas_edge0_2,
                (1, 2): self.group0.nas_edge1_2,
            },
            "group1": {
                (0, 1): self.group1.nas_edge0_1,
                (0, 2): self.group1.nas_edge0_2,
                (1, 2): self.group1.nas_edge1_2,
            },
        }
