"""The integer graph of model.py, one call per layer, as nashc writes it."""

from model import INPUT_SCALE, NAME

from support.integers.graph import IntegerGraph


def integer_graph(model):
    g = IntegerGraph(NAME)
    image = g.input("image", shape=(1, 8, 8, 1), dtype="UINT8", scale=INPUT_SCALE)
    x = g.conv("stem.conv", image, model.stem.conv)
    x = g.maxpool("stem.maxpool", x, window=3, stride=1, pad=1)
    x = g.batchnorm("stem.conv.bn", x, model.stem.conv_bn)
    x = g.act("stem.conv.act", x, model.stem.conv_act)

    group0 = model.group0
    y = g.conv("group0.block0.conv1", x, group0.block0_conv1)
    y = g.batchnorm("group0.block0.conv1.bn", y, group0.block0_conv1_bn)
    y = g.act("group0.block0.conv1.act", y, group0.block0_conv1_act)
    y = g.conv("group0.block0.conv2", y, group0.block0_conv2)
    y = g.batchnorm("group0.block0.conv2.bn", y, group0.block0_conv2_bn)
    a = g.act("group0.block0.add.join0", y, group0.block0_add_join)
    b = g.act("group0.block0.add.join1", x, group0.block0_add_join)
    s = g.add("group0.block0.add", a, b)
    n = g.maxpool("group0.nas.node1.maxpool", x, window=3, stride=1, pad=1)
    n = g.batchnorm("group0.nas.node1.maxpool.bn", n, group0.nas_node1_maxpool_bn)
    c = g.act("group0.nas.node1.add.join", n, group0.block0_add_join)
    s = g.add("group0.nas.node1.add", s, c)
    state = g.act("group0.block0.state", s, group0.block0_state)
    x = g.act("group0.block0.act", s, group0.block0_act)
    y = g.conv("group0.block1.conv1", x, group0.block1_conv1)
    y = g.batchnorm("group0.block1.conv1.bn", y, group0.block1_conv1_bn)
    a = g.act("group0.block1.add.join0", y, group0.block1_add_join)
    b = g.act("group0.block1.add.join1", x, group0.block1_add_join)
    s = g.add("group0.block1.add", a, b)
    c = g.act("group0.nas.node2.add.join", state, group0.block1_add_join)
    s = g.add("group0.nas.node2.add", s, c)
    x = g.act("group0.block1.act", s, group0.block1_act)

    group1 = model.group1
    y = g.conv("group1.block0.conv1", x, group1.block0_conv1)
    y = g.batchnorm("group1.block0.conv1.bn", y, group1.block0_conv1_bn)
    y = g.act("group1.block0.conv1.act", y, group1.block0_conv1_act)
    y = g.conv("group1.block0.conv2", y, group1.block0_conv2)
    y = g.batchnorm("group1.block0.conv2.bn", y, group1.block0_conv2_bn)
    shortcut = g.conv("group1.block0.shortcut", x, group1.block0_shortcut)
    shortcut = g.batchnorm("group1.block0.shortcut.bn", shortcut, group1.block0_shortcut_bn)
    a = g.act("group1.block0.add.join0", y, group1.block0_add_join)
    b = g.act("group1.block0.add.join1", shortcut, group1.block0_add_join)
    s = g.add("group1.block0.add", a, b)
    n = g.conv("group1.nas.node1.conv", x, group1.nas_node1_conv)
    n = g.batchnorm("group1.nas.node1.conv.bn", n, group1.nas_node1_conv_bn)
    c = g.act("group1.nas.node1.add.join", n, group1.block0_add_join)
    s = g.add("group1.nas.node1.add", s, c)
    x = g.act("group1.block0.act", s, group1.block0_act)

    x = g.avgpool("head.avgpool", x, model.head.avgpool)
    x = g.linear("head.fc", x, model.head.fc)
    g.output(x)
    return g
