"""One declaration per stage of `nashc run`: what it executes, takes, gives and needs.

The driver reads these; a new stage is a new file here and a place in `STAGES`, which is the order of a run.
"""

from nashc.stages.derive import DERIVE
from nashc.stages.estimate import ESTIMATE
from nashc.stages.export import EXPORT
from nashc.stages.model import Stage, Take
from nashc.stages.search import SEARCH
from nashc.stages.synthesise import SYNTHESISE
from nashc.stages.train import TRAIN
from nashc.stages.verify import VERIFY

STAGES: tuple[Stage, ...] = (SEARCH, DERIVE, TRAIN, EXPORT, VERIFY, ESTIMATE, SYNTHESISE)
BY_NAME = {stage.name: stage for stage in STAGES}
FINDERS = (SEARCH, DERIVE)
"""The stages that find the architecture: they work with the files of the spec as it is without one."""

__all__ = ["BY_NAME", "FINDERS", "STAGES", "Stage", "Take"]
