"""Events between the two processes of a run, and what the terminal makes of them."""

import io
import json
import logging
import os

import pytest

from components.pusher.properties import VersionAhead
from pipeline import events
from pipeline.progress import Progress
from pnfrec_core.events import Compiling, EpochDone, Event, TrainingStarted, report, to_dict


def sent(monkeypatch: pytest.MonkeyPatch, *happened: Event) -> str:
    """What a writer puts on the pipe."""
    read_end, write_end = os.pipe()
    monkeypatch.setenv(events.EVENTS_FD, str(write_end))
    writer = events.EventWriter()
    for event in happened:
        writer.send(event)
    del writer
    with os.fdopen(read_end) as pipe:
        return pipe.read()


def test_events_arrive_as_they_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    happened = [
        events.NodeStarted("FeedbackGen"),
        EpochDone(1, 2, 3.5, 0.25, 0.5),
        events.NodeFinished("FeedbackGen", "cached", {"examples": "/here"}),
        events.NodeFinished("Pusher", "complete", {"pushed_model": "/there"}, {"pushed_model": {"pushed": 1}}),
        events.RunFailed("Trainer", "The loss became nan."),
    ]
    text = sent(monkeypatch, *happened)
    assert [message.event for message in events.read_events(io.StringIO(text))] == happened


def test_without_a_pipe_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(events.EVENTS_FD, raising=False)
    events.EventWriter().send(Compiling())


def test_a_listener_sends_the_events_of_a_log_whatever_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    monkeypatch.setenv(events.EVENTS_FD, str(write_end))
    logger = logging.Logger("somebody")
    handler = events.EventListener(events.EventWriter())
    logger.addHandler(handler)
    report(logger, Compiling())
    logger.info("epoch %d/%d: words alone are no event", 1, 2)
    logger.warning("trial 1/2")
    del handler
    logger.handlers.clear()
    with os.fdopen(read_end) as pipe:
        assert [message.event for message in events.read_events(pipe)] == [Compiling()]


def test_the_terminal_shows_a_line_a_node_and_its_progress_above(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        (20.0, {"kind": "NodeStarted", "node": "Trainer"}),
        (20.5, to_dict(TrainingStarted({"variant": "PNFRec", "width": 64, "alpha": 0.45}, 3810, 57446, 2707, 448))),
        (21.0, {"kind": "Compiling"}),
        (29.0, {"kind": "EpochDone", "epoch": 1, "epochs": 2, "loss": 3.5, "ndcg": 0.25, "hr": 0.5}),
        (30.0, to_dict(VersionAhead("/serving", 1_795_898_744_000, 1_795_898_744_001))),
        (30.5, {"kind": "NodeFinished", "node": "Trainer", "state": "complete", "outputs": {"model": "/here"}}),
        (31.0, {"kind": "NodeStarted", "node": "Pusher"}),
        (31.1, {"kind": "NodeFinished", "node": "Pusher", "state": "cached", "properties": {"model": {"pushed": 1}}}),
    ]
    text = "".join(json.dumps({"time": time, "event": event}) + "\n" for time, event in lines)
    progress = Progress(started=10.0)
    progress.follow(io.StringIO(text))
    assert capsys.readouterr().out == (
        "    importing TensorFlow, TFX and Beam\n"
        "  start-up               10.0 s\n"
        "    training PNFRec: width 64, alpha 0.45; 3,810 users with 57,446 interactions, 2,707 items, 448\n"
        "      validation examples\n"
        "    compiling the first training step\n"
        "    epoch 1/2: loss 3.5000, validation NDCG 0.2500, HR 0.5000\n"
        "    warning: /serving holds version 1795898744000, which is not below the present time in seconds;\n"
        "      pushed as version 1795898744001, since servers take the greatest\n"
        "  Trainer                10.5 s\n"
        "  Pusher                  0.1 s  cached\n"
    )
    assert progress.outputs == {"Trainer": {"model": "/here"}, "Pusher": {}}
    assert progress.properties == {"Trainer": {}, "Pusher": {"model": {"pushed": 1}}}
    assert progress.failure is None


def test_a_failure_is_kept_for_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    failed = {"kind": "RunFailed", "node": "Trainer", "message": "The loss became nan."}
    progress = Progress(started=0.0)
    progress.follow(io.StringIO(json.dumps({"time": 1.0, "event": failed}) + "\n"))
    assert progress.failure == events.RunFailed("Trainer", "The loss became nan.")
    assert capsys.readouterr().out == "    importing TensorFlow, TFX and Beam\n"
