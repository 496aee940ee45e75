"""Beam's look at a DoFn, taken once for each class.

Beam asks each DoFn of each pipeline some eight times which state and which timers its methods take, and looks at the
signatures of all of them each time: a quarter of the time of a small pipeline, of which the tests run hundreds. A class
without any is remembered; one with some is looked at each time, as without this.
"""

import sys
from typing import Any

_MODULE = "apache_beam.transforms.userstate"


def remember() -> None:
    """Has Beam remember, where something has imported it. It may be called again."""
    module: Any = sys.modules.get(_MODULE)
    if module is not None and not isinstance(module.get_dofn_specs, _Remembering):
        module.get_dofn_specs = _Remembering(module.get_dofn_specs)


class _Remembering:
    def __init__(self, look: Any) -> None:
        self._look = look
        self._plain: set[type] = set()

    def __call__(self, dofn: Any) -> tuple[set[Any], set[Any]]:
        if type(dofn) in self._plain:
            return set(), set()
        states, timers = self._look(dofn)
        if not states and not timers:
            self._plain.add(type(dofn))
        return states, timers
