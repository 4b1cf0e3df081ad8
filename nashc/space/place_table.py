"""The cost of every choice of bit widths and numbers of channels as a table of parts: settings/search_costs.json.

A layer's hardware depends on few places: on the widths of its weights, of the activations that it reads, and of those that
it gives its results in, whose readers decide about single bits; and on the channels of what it reads and gives. The layers
are seen with every choice of these by the cost model that `nashc estimate` uses.
templates/support/budget/joint_costs.py reads the table and says what its parts mean.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from nashc.cost.backends import Wanted
from nashc.cost.models import MODELS
from nashc.lower import lower
from nashc.schema import Spec
from nashc.space.covering import choices_to_see
from nashc.space.parts import Layers, listed_groups
from nashc.space.places import listed, meeting_places, searched_places, with_picks
from nashc.space.pricing import FIGURES, MODEL, Pricing


class PlaceTable:
    """All parts of the space. Errors: NASH312 or NASH313 where too many places meet in one layer."""

    def __init__(self, spec: Spec) -> None:
        """spec: with lists to choose from, a search and a target; cells have a genotype."""
        assert spec.target
        graph = lower(spec)
        self.places = searched_places(spec, graph)
        meets = meeting_places(graph, self.places)
        self.layers = Layers(meets, graph.output.name)
        part, wanted = spec.target.board.part, Wanted.of(spec)
        for picks in choices_to_see(self.places, meets.values()):
            graph = lower(with_picks(spec, self.places, picks))
            self.layers.see(picks, MODELS[MODEL].hardware(graph, part, None, wanted))
        self.pricing = Pricing(spec.target)

    def to_json(self) -> dict[str, Any]:
        """The content of settings/search_costs.json."""
        groups = self.layers.groups([len(place.alternatives) for place in self.places])
        every = [nodes for by_choice in groups.values() for nodes in by_choice]
        paces = self.pricing.paces(groups.get((), [()])[0], every)
        return {
            "model": MODEL,
            "figures": FIGURES,
            "paces": paces,
            "places": listed(self.places),
            "parts": listed_groups(groups, partial(self.pricing.part, paces=paces)),
            "options": [],
            "values": [],
        }
