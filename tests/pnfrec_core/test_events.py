"""Events: in words, as JSON, and on the records of a log."""

import json
import logging

import pytest

from pnfrec_core import events

STARTED = events.TrainingStarted(
    settings={"variant": "PNFRec", "width": 64, "alpha": 0.45},
    users=3810,
    interactions=58_988,
    items=2707,
    validation_examples=448,
)
WORDS = [
    (events.ReadingExamples(), "reading the examples"),
    (
        STARTED,
        "training PNFRec: width 64, alpha 0.45; 3,810 users with 58,988 interactions, 2,707 items, 448 validation "
        "examples",
    ),
    (events.Compiling(), "compiling the first training step"),
    (events.Rehearsing(), "loading the model as a server does, and asking it"),
    (events.ComparingLists(1000), "comparing the lists of two models, of up to 1,000 held-out users"),
    (events.FirstStepDone(12.34, steps=30), "compiled in 12.3 s; an epoch has 30 steps"),
    (events.FirstStepDone(0.5, steps=1), "compiled in 0.5 s; an epoch has 1 step"),
    (
        events.EpochDone(2, 40, loss=11.62094, ndcg=0.04771, hr=0.08479),
        "epoch 2/40: loss 11.6209, validation NDCG 0.0477, HR 0.0848",
    ),
    (events.TrainingDone(34, best_epoch=29, ndcg=0.09833), "best epoch 29 of 34: validation NDCG 0.0983"),
    (events.TrialDone(1, 3, "alpha 0.5", 0.25, 0.25), "trial 1/3: alpha 0.5: objective 0.2500, best so far 0.2500"),
    (events.TrialDone(1, 3, "alpha 0.5", None, None, "no memory"), "trial 1/3: alpha 0.5: failed: no memory"),
]


@pytest.mark.parametrize(("event", "words"), WORDS)
def test_an_event_says_itself_in_one_line(event: events.Event, words: str) -> None:
    assert str(event) == words


@pytest.mark.parametrize("event", [event for event, _ in WORDS])
def test_an_event_survives_json(event: events.Event) -> None:
    assert events.from_dict(json.loads(json.dumps(events.to_dict(event)))) == event


def test_a_resumed_training_says_where_it_goes_on() -> None:
    resumed = events.TrainingStarted({"variant": "SASRec_p", "width": 8}, 2, 3, 4, 5, epochs_done=7)
    assert str(resumed).startswith("training SASRec_p, from epoch 8 on: width 8; 2 users with 3 interactions,")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError, match="Rumour"):
        events.from_dict({"kind": "Rumour"})


def test_a_reported_event_is_a_line_of_the_log_and_stays_an_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("somebody")
    events.report(logger, STARTED)
    logger.info("epoch 1/2: only words")
    assert [record.getMessage() for record in caplog.records] == [str(STARTED), "epoch 1/2: only words"]
    assert [events.of_record(record) for record in caplog.records] == [STARTED, None]
