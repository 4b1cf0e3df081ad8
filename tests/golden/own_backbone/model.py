"""Network `own_backbone`, quantised for training: written by nashc from own_backbone.nash, which is the place to change it."""

from __future__ import annotations

import brevitas.nn as qnn
from torch import Tensor, nn

from support.layers.activation_grid import added
from support.layers.initial_weights import kaiming
from support.layers.quantisers import (
    FloorTrunc,
    IntWeight,
    JoinAct,
    TensorIntWeight,
    UnsignedAct,
)

NAME = "own_backbone"
INPUT_SHAPE = (1, 8, 8)  # channels, height, width
INPUT_DTYPE = "UINT8"
INPUT_SCALE = 1 / 255
CLASSES = 10


class Stem(nn.Module):
    """1x8x8 -> 8x8x8"""

    def __init__(self) -> None:
        super().__init__()
        self.conv = qnn.QuantConv2d(  # own_backbone.nash:19
            1, 8, 3, padding=1, bias=False, weight_quant=IntWeight, weight_bit_width=8
        )
        self.conv_bn = nn.BatchNorm2d(8)
        self.conv_act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=3)  # own_backbone.nash:19

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv_bn(self.conv(x))
        return self.conv_act(conv)


class Plain(nn.Module):
    """8x8x8 -> 32x4x4"""

    def __init__(self) -> None:
        super().__init__()
        self.first = qnn.QuantConv2d(  # own_backbone.nash:20
            8, 16, 3, stride=2, padding=1, bias=False, weight_quant=IntWeight, weight_bit_width=3
        )
        self.first_bn = nn.BatchNorm2d(16)
        self.first_act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=4)  # own_backbone.nash:22
        self.second = qnn.QuantConv2d(  # own_backbone.nash:23
            16, 32, 3, padding=1, bias=False, weight_quant=IntWeight, weight_bit_width=3
        )
        self.second_bn = nn.BatchNorm2d(32)
        self.second_act = qnn.QuantReLU(act_quant=UnsignedAct, bit_width=3)  # own_backbone.nash:25

    def forward(self, x: Tensor) -> Tensor:
        first = self.first_bn(self.first(x))
        first_act = self.first_act(first)
        second = self.second_bn(self.second(first_act))
        return self.second_act(second)


class Narrow(nn.Module):
    """32x4x4 -> 32x4x4"""

    def __init__(self) -> None:
        super().__init__()
        self.block0_reduce = qnn.QuantConv2d(  # own_backbone.nash:6
            32, 8, 1, bias=False, weight_quant=IntWeight, weight_bit_width=3
        )
        self.block0_reduce_bn = nn.BatchNorm2d(8)
        self.block0_nas_node1_conv = qnn.QuantConv2d(  # own_backbone.nash:51
            32, 8, 3, padding=1, bias=False, weight_quant=IntWeight, weight_bit_width=2
        )
        self.block0_nas_node1_conv_bn = nn.BatchNorm2d(8)
        self.block0_nas_node1_add_join = qnn.QuantHardTanh(  # own_backbone.nash:35
            act_quant=JoinAct, bit_width=8
        )
        self.block0_nas_node1_act = qnn.QuantReLU(  # own_backbone.nash:35
            act_quant=UnsignedAct, bit_width=4
        )
        self.block0_reduce_act = qnn.QuantReLU(  # own_backbone.nash:8
            act_quant=UnsignedAct, bit_width=3
        )
        self.block0_conv = qnn.QuantConv2d(  # own_backbone.nash:9
            8, 8, 3, padding=1, bias=False, weight_quant=IntWeight, weight_bit_width=2
        )
        self.block0_conv_bn = nn.BatchNorm2d(8)
        self.block0_nas_node2_maxpool = nn.MaxPool2d(3, stride=1, padding=1)  # own_backbone.nash:51
        self.block0_nas_node2_maxpool_bn = nn.BatchNorm2d(8)
        self.block0_nas_node2_add_join = qnn.QuantHardTanh(  # own_backbone.nash:35
            act_quant=JoinAct, bit_width=8
        )
        self.block0_conv_act = qnn.QuantReLU(  # own_backbone.nash:11
            act_quant=UnsignedAct, bit_width=3
        )
        self.block0_expand = qnn.QuantConv2d(  # own_backbone.nash:12
            8, 32, 1, bias=False, weight_quant=IntWeight, weight_bit_width=3
        )
        self.block0_expand_bn = nn.BatchNorm2d(32)
        self.block0_add_join = qnn.QuantHardTanh(  # own_backbone.nash:15
            act_quant=JoinAct, bit_width=8
        )
        self.block0_add_act = qnn.QuantReLU(  # own_backbone.nash:15
            act_quant=UnsignedAct, bit_width=3, return_quant_tensor=True
        )

    def forward(self, x: Tensor) -> Tensor:
        block0_reduce = self.block0_reduce_bn(self.block0_reduce(x))
        block0_nas_node1_conv = self.block0_nas_node1_conv_bn(self.block0_nas_node1_conv(x))
        block0_nas_node1_add = added(
            self.block0_nas_node1_add_join, block0_reduce, block0_nas_node1_conv
        )
        block0_nas_node1_act = self.block0_nas_node1_act(block0_nas_node1_add)
        block0_reduce_act = self.block0_reduce_act(block0_nas_node1_add)
        block0_conv = self.block0_conv_bn(self.block0_conv(block0_reduce_act))
        block0_nas_node2_maxpool = self.block0_nas_node2_maxpool_bn(
            self.block0_nas_node2_maxpool(block0_nas_node1_act)
        )
        block0_nas_node2_add = added(
            self.block0_nas_node2_add_join, block0_conv, block0_nas_node2_maxpool
        )
        block0_conv_act = self.block0_conv_act(block0_nas_node2_add)
        block0_expand = self.block0_expand_bn(self.block0_expand(block0_conv_act))
        block0_add = added(self.block0_add_join, block0_expand, x)
        block0_nas_node3_add = added(self.block0_add_join, block0_add, x)
        return self.block0_add_act(block0_nas_node3_add)


class Head(nn.Module):
    """32x4x4 -> 10"""

    def __init__(self) -> None:
        super().__init__()
        self.avgpool = qnn.TruncAvgPool2d(  # own_backbone.nash:27
            4, trunc_quant=FloorTrunc, bit_width=4, return_quant_tensor=False
        )
        self.fc = qnn.QuantLinear(  # own_backbone.nash:27
            32, CLASSES, bias=False, weight_quant=TensorIntWeight, weight_bit_width=8
        )

    def forward(self, x: Tensor) -> Tensor:
        avgpool = self.avgpool(x).flatten(1)
        return self.fc(avgpool)


class Network(nn.Module):
    """1x8x8 -> 10 logits"""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.plain = Plain()
        self.narrow = Narrow()
        self.head = Head()
        kaiming(self)

    def forward(self, image: Tensor) -> Tensor:
        """image: pixels as whole floats, N x 1 x 8 x 8; returns logits, N x 10."""
        x = self.stem(image * INPUT_SCALE)
        x = self.plain(x)
        x = self.narrow(x)
        return self.head(x)
