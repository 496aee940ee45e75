"""What is remembered of a DoFn is what Beam sees."""

from typing import Any

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.transforms import userstate

from tests.support import plain_dofns


class Plain(beam.DoFn):
    def process(self, element: Any) -> Any:
        yield element


SEEN = userstate.CombiningValueStateSpec("seen", VarIntCoder(), sum)
OF_SEEN = beam.DoFn.StateParam(SEEN)


class Counting(beam.DoFn):
    def process(self, element: Any, seen: Any = OF_SEEN) -> Any:
        seen.add(1)
        yield element[0], seen.read()


def test_a_class_without_state_is_looked_at_once() -> None:
    plain_dofns.remember()
    remembering = userstate.get_dofn_specs
    plain_dofns.remember()
    assert userstate.get_dofn_specs is remembering
    assert not userstate.is_stateful_dofn(Plain())
    assert Plain in remembering._plain
    assert not userstate.is_stateful_dofn(Plain())


def test_one_with_state_is_seen_each_time() -> None:
    plain_dofns.remember()
    for _ in range(2):
        assert userstate.get_dofn_specs(Counting()) == ({SEEN}, set())
        assert userstate.is_stateful_dofn(Counting())
