"""Logs of calls: a line of JSON each, that no failure to write can turn into a failed call."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import grpc
import pytest

from serving import errors, tensors, wire
from serving.call_log import AccessLog, CallLog, ExposureLog
from serving.client import RecommenderClient
from serving.records import CallRecord, Watchers, request_id
from serving.server import RecommenderServer
from serving.settings import LogSettings, RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_call_is_a_line_and_each_list_is_another(base: Path, tmp_path: Path) -> None:
    access, exposure = tmp_path / "logs" / "access.jsonl", tmp_path / "exposure.jsonl"
    settings = ServerSettings(
        str(base), port=0, poll_seconds=60, rest=RestSettings(port=0), log=LogSettings(str(access), str(exposure))
    )
    server = RecommenderServer.of(settings)
    server.start()
    try:
        with RecommenderClient(server.address, timeout=60, metadata=[("x-request-id", "one")]) as client:
            client.recommend_batch([["a"], ["?"]], None, [2, 1])
            client.status()
        with (
            RecommenderClient(server.address, timeout=60, version=7) as client,
            pytest.raises(errors.ModelNotFoundError),
        ):
            client.recommend(["a"])
        Web(server).post(
            "/v1/models/pnfrec:predict",
            {"inputs": {"positive_item_ids": [["e"]], "exclude_item_ids": [[]], "k": [1]}},
            x_request_id="two",
        )
    finally:
        server.stop(grace_seconds=0)
    found = lines(access)
    assert all(WHEN.fullmatch(line.pop("time")) and line.pop("ms") >= 0 for line in found)
    assert found[2].pop("request_id")
    predict = {"method": "Predict", "model": "pnfrec", "signature": "serving_default"}
    assert found == [
        {"request_id": "one", "face": "grpc", **predict, "rows": 2, "code": "OK", "version": 1},
        {
            "request_id": "one",
            "face": "grpc",
            "method": "GetModelStatus",
            "model": "pnfrec",
            "signature": "",
            "rows": 0,
            "code": "OK",
            "version": None,
        },
        {"face": "grpc", **predict, "rows": 1, "code": "NOT_FOUND", "version": None},
        {"request_id": "two", "face": "rest", **predict, "rows": 1, "code": "OK", "version": 1},
    ]
    shown = lines(exposure)
    assert all(WHEN.fullmatch(line.pop("time")) for line in shown)
    assert shown == [
        {
            "request_id": "one",
            "model": "pnfrec",
            "signature": "serving_default",
            "version": 1,
            "items": [["b", "c"], ["a"]],
        },
        {"request_id": "two", "model": "pnfrec", "signature": "serving_default", "version": 1, "items": [["d"]]},
    ]


def test_a_call_that_was_refused_bears_the_name_that_could_be_read(base: Path, tmp_path: Path) -> None:
    access = tmp_path / "access.jsonl"
    (tmp_path / "tokens").write_text("0123456789abcdef")
    settings = ServerSettings(
        str(base),
        port=0,
        poll_seconds=60,
        token_file=str(tmp_path / "tokens"),
        rest=RestSettings(port=0, max_body_bytes=100),
        log=LogSettings(str(access)),
    )
    server = RecommenderServer.of(settings)
    server.start()
    token = ("authorization", "Bearer 0123456789abcdef")
    try:
        with grpc.insecure_channel(server.address) as channel:
            for metadata in ([], [token]):
                with pytest.raises(grpc.RpcError):
                    channel.unary_unary(wire.PREDICT)(b"\xff", timeout=60, metadata=metadata)
        web, knows = Web(server), {token[0]: token[1]}
        web.post("/v1/models/mine:predict", {})
        web.post("/v1/models/mine:predict", b"no JSON", **knows)
        web.post("/v1/models/mine:predict", b" " * 101, **knows)
        web.post("/v1/models/mine/versions/x:predict", {}, **knows)
        web.get("/v1/models/mine/versions/x", **knows)
        web.post("/v1/models/mine:predict", {"signature_name": "other", "inputs": {}}, **knows)
    finally:
        server.stop(grace_seconds=0)
    keys = ("face", "method", "model", "signature", "code")
    assert [tuple(line[key] for key in keys) for line in lines(access)] == [
        ("grpc", "Predict", "unread", "unread", "UNAUTHENTICATED"),
        ("grpc", "Predict", "unread", "unread", "INVALID_ARGUMENT"),
        ("rest", "Predict", "mine", "unread", "UNAUTHENTICATED"),
        ("rest", "Predict", "mine", "unread", "INVALID_ARGUMENT"),
        ("rest", "Predict", "mine", "unread", "INVALID_ARGUMENT"),
        ("rest", "Predict", "mine", "unread", "INVALID_ARGUMENT"),
        ("rest", "GetModelStatus", "mine", "", "INVALID_ARGUMENT"),
        ("rest", "Predict", "mine", "other", "NOT_FOUND"),
    ]


def test_nothing_is_written_unless_it_is_asked_for(server: RecommenderServer) -> None:
    assert server.faces.logs == []


def record(**changes: Any) -> CallRecord:
    request = wire.PredictRequest(model_spec=wire.model_spec("pnfrec"))
    request.inputs["positive_item_ids"].CopyFrom(tensors.to_proto([["a"]], tensors.DT_STRING))
    own = {"face": "grpc", "request_id": "one", "method": "Predict", "code": "INTERNAL", "seconds": 0.001}
    return CallRecord(**{**own, "request": request, **changes})


def test_a_full_file_is_moved_aside(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.jsonl", max_bytes=500, backups=2)
    for number in range(20):
        log.on_call(record(request_id=f"{number:02}"))
    log.close()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["access.jsonl", "access.jsonl.1", "access.jsonl.2"]
    kept = [line["request_id"] for name in reversed(files) for line in lines(tmp_path / name)]
    assert kept == [f"{number:02}" for number in range(20)][-len(kept) :]
    assert all((tmp_path / name).stat().st_size <= 500 for name in files)


def test_a_sign_of_formatting_is_a_sign(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.jsonl", 10_000, 1)
    log.on_call(record(request_id="%s%d%"))
    log.close()
    assert lines(tmp_path / "access.jsonl")[0]["request_id"] == "%s%d%"


def test_a_full_disk_is_told_once_and_fails_no_call(caplog: pytest.LogCaptureFixture) -> None:
    # What is written there the system refuses: there is no room.
    log = AccessLog("/dev/full", 10**9, 1)
    for _ in range(5):
        log.on_call(record())
    told = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert [each.getMessage() for each in told] == ["/dev/full cannot be written: 1 lines are lost so far."]
    log.close()


def test_writing_goes_on_when_there_is_room_again(tmp_path: Path) -> None:
    file = tmp_path / "access.jsonl"
    file.symlink_to("/dev/full")
    log = AccessLog(file, 10**9, 1)
    log.on_call(record(request_id="lost"))
    file.unlink()
    log.on_call(record(request_id="kept"))
    log.close()
    assert [line["request_id"] for line in lines(file)] == ["kept"]


@pytest.mark.parametrize("is_moved", [True, False])
def test_a_file_that_somebody_moves_aside_or_removes_is_begun_anew(tmp_path: Path, is_moved: bool) -> None:
    file, aside = tmp_path / "access.jsonl", tmp_path / "access.jsonl.old"
    log = AccessLog(file, 10**9, 1)
    log.on_call(record(request_id="before"))
    if is_moved:
        file.rename(aside)
    else:
        file.unlink()
    for name in ("after", "then"):
        log.on_call(record(request_id=name))
    log.close()
    assert [line["request_id"] for line in lines(file)] == ["after", "then"]
    assert not is_moved or [line["request_id"] for line in lines(aside)] == ["before"]


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "access.jsonl"
    for name in ("one", "two"):
        log = AccessLog(file, 10**9, 1)
        log.on_call(record(request_id=name))
        log.close()
    assert [line["request_id"] for line in lines(file)] == ["one", "two"]
    file.write_text(file.read_text(encoding="utf-8") + '{"time":', encoding="utf-8")
    log = AccessLog(file, 10**9, 1)
    log.on_call(record(request_id="three"))
    log.close()
    *_, cut, last = file.read_text(encoding="utf-8").splitlines()
    assert (cut, json.loads(last)["request_id"]) == ('{"time":', "three")


@pytest.mark.parametrize("kind", [AccessLog, ExposureLog])
def test_a_file_that_cannot_be_made_stops_the_start(tmp_path: Path, kind: type[CallLog]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.ServerStartError, match="a log of calls cannot be written there"):
        kind(tmp_path / "file" / "access.jsonl", 1000, 1)


class Broken:
    def on_call(self, record: CallRecord) -> None:
        raise ValueError(record.code)


def test_a_watcher_that_fails_fails_neither_the_call_nor_the_next(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[CallRecord] = []

    class Kept:
        def on_call(self, record: CallRecord) -> None:
            seen.append(record)

    Watchers([Broken(), Kept()]).on_call(record())
    assert [each.code for each in seen] == ["INTERNAL"]
    assert "A call was answered and could not be written down." in caplog.text


@pytest.mark.parametrize("given", [None, "", "a b", "a\nb", "a" * 129, "ü", b"abc"])
def test_an_id_that_may_not_go_into_a_file_is_replaced(given: Any) -> None:
    assert re.fullmatch("[0-9a-f]{32}", request_id(given))
    assert request_id("a-b:1") == "a-b:1"


def test_an_answer_that_was_filtered_shows_nothing(tmp_path: Path) -> None:
    response = wire.PredictResponse(model_spec=wire.model_spec("pnfrec", 1))
    response.outputs["count"].CopyFrom(tensors.to_proto([1], tensors.DT_INT32))
    log = ExposureLog(tmp_path / "exposure.jsonl", 1000, 1)
    log.on_call(record(code="OK", response=response))
    log.close()
    assert lines(tmp_path / "exposure.jsonl") == []


def test_the_servers_own_log_stays_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = AccessLog(tmp_path / "access.jsonl", 10_000, 1)
    log.on_call(record())
    log.close()
    assert caplog.records == []


def test_a_log_ends_after_the_last_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that ends while the server stops is a line, and does not open the file once more."""
    access = tmp_path / "access.jsonl"
    settings = ServerSettings(str(tmp_path / "base"), port=0, poll_seconds=60, log=LogSettings(str(access)))
    server = RecommenderServer.of(settings)
    server.start()
    stop = server._server.stop

    def with_a_call(grace_seconds: float) -> Any:
        stopped = stop(grace_seconds)

        class Stopped:
            def result(self) -> None:
                stopped.result()
                server.faces._watchers.on_call(CallRecord("grpc", "late", "Predict", "CANCELLED", 0.1))

        return Stopped()

    monkeypatch.setattr(server._server, "stop", with_a_call)
    server.stop(grace_seconds=0)
    assert [line["request_id"] for line in lines(access)] == ["late"]
    assert [log._file.stream for log in server.faces.logs] == [None]
