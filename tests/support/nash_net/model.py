"""A small NASH network as nashc writes it: max-pool before the stem's activation, cascades of adds, 1-bit NAS weights."""

import brevitas.nn as qnn
from torch import nn

from support.layers.quantisers import (
    BinaryWeight,
    FloorTrunc,
    IntWeight,
    JoinAct,
    TensorIntWeight,
    UnsignedAct,
)

NAME = "nash_net"
INPUT_SHAPE = (1, 8, 8)
INPUT_DTYPE = "UINT8"
INPUT_SCALE = 1 / 255
CLASSES = 10


def conv(i, o, kernel, stride=1, bits=4):
    quant = {"weight_quant": BinaryWeight}
    if bits > 1:
        quant = {"weight_quant": IntWeight, "weight_bit_width": bits}
    return qnn.QuantConv2d(i, o, kernel, stride=stride, padding=kernel // 2, bias=False, **quant)


def relu(bits, **more):
    return qnn.QuantReLU(act_quant=UnsignedAct, bit_width=bits, **more)


def join():
    return qnn.QuantHardTanh(act_quant=JoinAct, bit_width=8)


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = conv(1, 8, 3, bits=8)
        self.maxpool = nn.MaxPool2d(3, 1, 1)
        self.conv_bn = nn.BatchNorm2d(8)
        self.conv_act = relu(2)

    def forward(self, x):
        return self.conv_act(self.conv_bn(self.maxpool(self.conv(x))))


class Group0(nn.Module):
    """Identity shortcut; a NAS max-pool after the first block, an identity beside it."""

    def __init__(self):
        super().__init__()
        self.block0_conv1 = conv(8, 8, 3)
        self.block0_conv1_bn = nn.BatchNorm2d(8)
        self.block0_conv1_act = relu(2)
        self.block0_conv2 = conv(8, 8, 3)
        self.block0_conv2_bn = nn.BatchNorm2d(8)
        self.block0_add_join = join()
        self.nas_node1_maxpool = nn.MaxPool2d(3, 1, 1)
        self.nas_node1_maxpool_bn = nn.BatchNorm2d(8)
        self.block0_act = relu(2)
        self.block0_state = relu(8)
        self.block1_conv1 = conv(8, 8, 3)
        self.block1_conv1_bn = nn.BatchNorm2d(8)
        self.block1_add_join = join()
        self.block1_act = relu(2)

    def forward(self, x):
        y = self.block0_conv1_act(self.block0_conv1_bn(self.block0_conv1(x)))
        y = self.block0_conv2_bn(self.block0_conv2(y))
        s = self.block0_add_join(y) + self.block0_add_join(x)
        n = self.nas_node1_maxpool_bn(self.nas_node1_maxpool(x))
        s = s + self.block0_add_join(n)
        state = self.block0_state(s)
        x = self.block0_act(s)
        y = self.block1_conv1_bn(self.block1_conv1(x))
        s = self.block1_add_join(y) + self.block1_add_join(x)
        s = s + self.block1_add_join(state)
        return self.block1_act(s)


class Group1(nn.Module):
    """Stride 2: a projection, and a 1-bit NAS convolution of stride 2."""

    def __init__(self):
        super().__init__()
        self.block0_conv1 = conv(8, 16, 3, 2)
        self.block0_conv1_bn = nn.BatchNorm2d(16)
        self.block0_conv1_act = relu(2)
        self.block0_conv2 = conv(16, 16, 3)
        self.block0_conv2_bn = nn.BatchNorm2d(16)
        self.block0_shortcut = conv(8, 16, 1, 2, 8)
        self.block0_shortcut_bn = nn.BatchNorm2d(16)
        self.block0_add_join = join()
        self.nas_node1_conv = conv(8, 16, 5, 2, 1)
        self.nas_node1_conv_bn = nn.BatchNorm2d(16)
        self.block0_act = relu(4, return_quant_tensor=True)

    def forward(self, x):
        y = self.block0_conv1_act(self.block0_conv1_bn(self.block0_conv1(x)))
        y = self.block0_conv2_bn(self.block0_conv2(y))
        shortcut = self.block0_shortcut_bn(self.block0_shortcut(x))
        s = self.block0_add_join(y) + self.block0_add_join(shortcut)
        n = self.nas_node1_conv_bn(self.nas_node1_conv(x))
        s = s + self.block0_add_join(n)
        return self.block0_act(s)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.avgpool = qnn.TruncAvgPool2d(4, trunc_quant=FloorTrunc, bit_width=4)
        self.fc = qnn.QuantLinear(
            16, 10, bias=False, weight_quant=TensorIntWeight, weight_bit_width=8
        )

    def forward(self, x):
        return self.fc(self.avgpool(x).value.flatten(1))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.group0 = Group0()
        self.group1 = Group1()
        self.head = Head()

    def forward(self, image):
        return self.head(self.group1(self.group0(self.stem(image * INPUT_SCALE))))
