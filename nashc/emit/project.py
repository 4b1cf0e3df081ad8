"""Every file of a standalone project, by its path in the folder."""

from __future__ import annotations

from dataclasses import replace

from nashc import __version__, resources
from nashc.emit import brevitas, lowering, supernet
from nashc.emit.code import Part, origin, parts, shape_words, used
from nashc.emit.context import LoweringFile, ModelFile, ReadmeFile, SupernetFile
from nashc.emit.lines import bracketed, unpacked
from nashc.emit.render import render
from nashc.emit.searched_bits import LAYER_CLASSES as BIT_CLASSES
from nashc.emit.searched_bits import searched_bits
from nashc.emit.searched_channels import LAYER_CLASSES as CHANNEL_CLASSES
from nashc.emit.searched_channels import searched_channels
from nashc.emit.settings import settings, table_text, text
from nashc.ir import Graph, dump
from nashc.lower import lower
from nashc.schema import Spec
from nashc.vocab.datatypes import bounds
from nashc.vocab.names import python_name

SEARCH_PROGRAMS = ("search.py",)
BUDGET_PROGRAMS = ("derive.py",)
MODEL_PROGRAMS = ("train.py", "export.py", "verify.py", "build.py")


def project(spec: Spec, graph: Graph) -> dict[str, str]:
    """Path to text of all generated files, the manifest apart.

    graph: `lower(spec)`. A spec with cells also gets its search programs, genotype or not.
    """
    open_graph = _open_graph(spec, graph)
    has_search, has_model = open_graph is not None and spec.search is not None, not spec.is_searched
    values_of = settings(spec, graph)
    has_budget = "derive" in values_of
    files = {"graph.nir": dump(graph), "requirements.txt": _requirements()}
    readme = ReadmeFile(
        name=spec.name,
        spec_name=spec.path.name,
        version=__version__,
        has_search=has_search,
        has_budget=has_budget,
        has_model=has_model,
    )
    files["README.md"] = render(readme)
    programs: tuple[str, ...] = ()
    if has_search and open_graph:
        files["supernet.py"] = render(_supernet(spec, open_graph))
        programs += SEARCH_PROGRAMS
    if has_budget:
        programs += BUDGET_PROGRAMS
    if has_model:
        files["model.py"] = render(_model(spec, graph))
        files["lowering.py"] = render(_lowering(spec, graph))
        programs += MODEL_PROGRAMS
    for name, values in values_of.items():
        written = table_text if name in ("search_costs", "derive") else text
        files[f"settings/{name}.json"] = written(values)
    if has_model:
        files["layers.json"] = text({node.name: origin(node) for node in graph.nodes})
    root = resources.template_root()
    for name in programs:
        files[name] = (root / "programs" / name).read_text(encoding="utf-8")
    for path in sorted((root / "support").rglob("*.py")):
        files[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return dict(sorted(files.items()))


def is_of_search(path: str) -> bool:
    """Whether a generated file is one that only the stages that find an architecture read."""
    programs = ("supernet.py", *SEARCH_PROGRAMS, *BUDGET_PROGRAMS)
    return path in programs or path.startswith(("settings/search", "settings/derive"))


def _open_graph(spec: Spec, graph: Graph) -> Graph | None:
    """The network with its cells or bit widths still to be chosen; None where there are none."""
    if spec.is_searched:
        return graph
    return lower(replace(spec, genotype=None)) if spec.cells else None


def _requirements() -> str:
    return (resources.template_root() / "project" / "requirements.txt").read_text(encoding="utf-8")


def _model(spec: Spec, graph: Graph) -> ModelFile:
    image, classes = spec.network.input, parts(graph, brevitas.BREVITAS)
    layers = [layer for part in classes for layer in part.layers]
    return ModelFile(
        name=spec.name,
        spec_name=spec.path.name,
        input_shape=(image.channels, image.height, image.width),
        input_dtype=image.dtype,
        input_scale=_input_scale(spec),
        classes=spec.network.classes,
        has_adds=any(node.op == "add" for node in graph.nodes),
        quantisers=brevitas.used_quantisers(layers),
        parts=classes,
        network_class="Network",
        network_doc=_doc(graph),
        network_layers=tuple(part.made for part in classes),
        calls=_calls(classes),
    )


def _supernet(spec: Spec, graph: Graph) -> SupernetFile:
    image, precision = spec.network.input, spec.search.precision if spec.search else "paper"
    merged = graph if precision == "quantised" else supernet.simplified(graph)
    sets = supernet.op_sets(merged)
    bits, channels = searched_bits(spec, merged), searched_channels(spec, graph)
    classes = parts(merged, supernet.speaker(sets, precision, bits, channels))
    classes = channels.with_choices(bits.with_choices(classes))
    layers = [layer for part in classes for layer in part.layers]
    return SupernetFile(
        name=spec.name,
        spec_name=spec.path.name,
        input_shape=(image.channels, image.height, image.width),
        input_scale=_input_scale(spec),
        classes=spec.network.classes,
        precision=precision,
        quantisers=brevitas.used_quantisers(layers),
        searched_layers=used(BIT_CLASSES, layers),
        channel_layers=used(CHANNEL_CLASSES, [*layers, *channels.layers]),
        has_small_maps=any(layer.constructor == supernet.SMALL_CONV for layer in layers),
        op_sets=tuple((constant, ops) for ops, constant in sets.items()),
        parts=classes,
        network_class="SuperNetwork",
        network_doc=_doc(graph),
        network_layers=(*channels.layers, *(part.made for part in classes)),
        calls=_calls(classes),
        cells=tuple((cell, tuple(edges)) for cell, edges in supernet.cells(merged).items()),
    )


def _lowering(spec: Spec, graph: Graph) -> LoweringFile:
    return LoweringFile(
        name=spec.name,
        spec_name=spec.path.name,
        calls=lowering.calls(graph),
        output=python_name(graph.output.name),
    )


def _input_scale(spec: Spec) -> str:
    return f"1 / {bounds(spec.network.input.dtype)[1]}"


def _doc(graph: Graph) -> str:
    return f"{shape_words(graph.nodes[0])} -> {graph.output.shape[-1]} logits"


def _calls(classes: tuple[Part, ...]) -> tuple[str, ...]:
    """The statements of the network's forward: each part fed by the values it names."""
    said = _between_parts(classes)
    lines: list[str] = []
    for part in classes:
        fed = [said.get(value, "image * INPUT_SCALE") for value in part.takes]
        call = f"self.{part.name}"
        if part is classes[-1]:
            lines += bracketed(f"        return {call}", fed)
        else:
            lines += unpacked([said[value] for value in part.gives], call, fed)
    return tuple(lines)


def _between_parts(classes: tuple[Part, ...]) -> dict[str, str]:
    """Names of the values that go from part to part: `x` where only the next part reads, else the layer's."""
    said = {}
    for index, part in enumerate(classes):
        for value in part.gives:
            readers = [other for other in classes if value in other.takes]
            is_passed_on = len(part.gives) == 1 and readers == [*classes[index + 1 : index + 2]]
            said[value] = "x" if is_passed_on else python_name(value)
    return said
