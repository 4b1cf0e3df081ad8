"""`own_backbone` as the integer graph that FINN builds from, one call per layer: written by nashc from own_backbone.nash."""

from __future__ import annotations

from model import INPUT_SCALE, NAME, Network
from support.integers.graph import IntegerGraph


def integer_graph(model: Network) -> IntegerGraph:
    """The graph of a trained network (NHWC, batch 1): whole numbers only, no scale and no batch norm left."""
    g = IntegerGraph(NAME)
    image = g.input(  # own_backbone.nash:31
        "image", shape=(1, 8, 8, 1), dtype="UINT8", scale=INPUT_SCALE
    )
    stem_conv = g.conv("stem.conv", image, model.stem.conv)  # own_backbone.nash:19
    stem_conv_bn = g.batchnorm(  # own_backbone.nash:19
        "stem.conv.bn", stem_conv, model.stem.conv_bn
    )
    stem_conv_act = g.act(  # own_backbone.nash:19
        "stem.conv.act", stem_conv_bn, model.stem.conv_act
    )
    plain_first = g.conv("plain.first", stem_conv_act, model.plain.first)  # own_backbone.nash:20
    plain_first_bn = g.batchnorm(  # own_backbone.nash:21
        "plain.first.bn", plain_first, model.plain.first_bn
    )
    plain_first_act = g.act(  # own_backbone.nash:22
        "plain.first.act", plain_first_bn, model.plain.first_act
    )
    plain_second = g.conv(  # own_backbone.nash:23
        "plain.second", plain_first_act, model.plain.second
    )
    plain_second_bn = g.batchnorm(  # own_backbone.nash:24
        "plain.second.bn", plain_second, model.plain.second_bn
    )
    plain_second_act = g.act(  # own_backbone.nash:25
        "plain.second.act", plain_second_bn, model.plain.second_act
    )
    narrow_block0_reduce = g.conv(  # own_backbone.nash:6
        "narrow.block0.reduce", plain_second_act, model.narrow.block0_reduce
    )
    narrow_block0_reduce_bn = g.batchnorm(  # own_backbone.nash:7
        "narrow.block0.reduce.bn", narrow_block0_reduce, model.narrow.block0_reduce_bn
    )
    narrow_block0_nas_node1_conv = g.conv(  # own_backbone.nash:51
        "narrow.block0.nas.node1.conv", plain_second_act, model.narrow.block0_nas_node1_conv
    )
    narrow_block0_nas_node1_conv_bn = g.batchnorm(  # own_backbone.nash:51
        "narrow.block0.nas.node1.conv.bn",
        narrow_block0_nas_node1_conv,
        model.narrow.block0_nas_node1_conv_bn,
    )
    narrow_block0_nas_node1_add_join0 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node1.add.join0",
        narrow_block0_reduce_bn,
        model.narrow.block0_nas_node1_add_join,
    )
    narrow_block0_nas_node1_add_join1 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node1.add.join1",
        narrow_block0_nas_node1_conv_bn,
        model.narrow.block0_nas_node1_add_join,
    )
    narrow_block0_nas_node1_add = g.add(  # own_backbone.nash:35
        "narrow.block0.nas.node1.add",
        narrow_block0_nas_node1_add_join0,
        narrow_block0_nas_node1_add_join1,
    )
    narrow_block0_nas_node1_act = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node1.act",
        narrow_block0_nas_node1_add,
        model.narrow.block0_nas_node1_act,
    )
    narrow_block0_reduce_act = g.act(  # own_backbone.nash:8
        "narrow.block0.reduce.act", narrow_block0_nas_node1_add, model.narrow.block0_reduce_act
    )
    narrow_block0_conv = g.conv(  # own_backbone.nash:9
        "narrow.block0.conv", narrow_block0_reduce_act, model.narrow.block0_conv
    )
    narrow_block0_conv_bn = g.batchnorm(  # own_backbone.nash:10
        "narrow.block0.conv.bn", narrow_block0_conv, model.narrow.block0_conv_bn
    )
    narrow_block0_nas_node2_maxpool = g.maxpool(  # own_backbone.nash:51
        "narrow.block0.nas.node2.maxpool", narrow_block0_nas_node1_act, window=3, stride=1, pad=1
    )
    narrow_block0_nas_node2_maxpool_bn = g.batchnorm(  # own_backbone.nash:51
        "narrow.block0.nas.node2.maxpool.bn",
        narrow_block0_nas_node2_maxpool,
        model.narrow.block0_nas_node2_maxpool_bn,
    )
    narrow_block0_nas_node2_add_join0 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node2.add.join0",
        narrow_block0_conv_bn,
        model.narrow.block0_nas_node2_add_join,
    )
    narrow_block0_nas_node2_add_join1 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node2.add.join1",
        narrow_block0_nas_node2_maxpool_bn,
        model.narrow.block0_nas_node2_add_join,
    )
    narrow_block0_nas_node2_add = g.add(  # own_backbone.nash:35
        "narrow.block0.nas.node2.add",
        narrow_block0_nas_node2_add_join0,
        narrow_block0_nas_node2_add_join1,
    )
    narrow_block0_conv_act = g.act(  # own_backbone.nash:11
        "narrow.block0.conv.act", narrow_block0_nas_node2_add, model.narrow.block0_conv_act
    )
    narrow_block0_expand = g.conv(  # own_backbone.nash:12
        "narrow.block0.expand", narrow_block0_conv_act, model.narrow.block0_expand
    )
    narrow_block0_expand_bn = g.batchnorm(  # own_backbone.nash:13
        "narrow.block0.expand.bn", narrow_block0_expand, model.narrow.block0_expand_bn
    )
    narrow_block0_add_join0 = g.act(  # own_backbone.nash:15
        "narrow.block0.add.join0", narrow_block0_expand_bn, model.narrow.block0_add_join
    )
    narrow_block0_add_join1 = g.act(  # own_backbone.nash:15
        "narrow.block0.add.join1", plain_second_act, model.narrow.block0_add_join
    )
    narrow_block0_add = g.add(  # own_backbone.nash:15
        "narrow.block0.add", narrow_block0_add_join0, narrow_block0_add_join1
    )
    narrow_block0_nas_node3_add_join0 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node3.add.join0", narrow_block0_add, model.narrow.block0_add_join
    )
    narrow_block0_nas_node3_add_join1 = g.act(  # own_backbone.nash:35
        "narrow.block0.nas.node3.add.join1", plain_second_act, model.narrow.block0_add_join
    )
    narrow_block0_nas_node3_add = g.add(  # own_backbone.nash:35
        "narrow.block0.nas.node3.add",
        narrow_block0_nas_node3_add_join0,
        narrow_block0_nas_node3_add_join1,
    )
    narrow_block0_add_act = g.act(  # own_backbone.nash:15
        "narrow.block0.add.act", narrow_block0_nas_node3_add, model.narrow.block0_add_act
    )
    head_avgpool = g.avgpool(  # own_backbone.nash:27
        "head.avgpool", narrow_block0_add_act, model.head.avgpool
    )
    head_fc = g.linear("head.fc", head_avgpool, model.head.fc)  # own_backbone.nash:27
    g.output(head_fc)
    return g
