"""Probes and reflection, over gRPC."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from google.protobuf import descriptor_pb2

from serving import _protocol, wire
from serving.commands import health
from serving.health import CHECK, WATCH, HealthCheckRequest, HealthCheckResponse
from serving.server import RecommenderServer
from tests.serving.conftest import wait_until
from tests.serving.test_retries import Scripted, target

__all__ = ["target"]


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[RecommenderServer]:
    """A server without a version."""
    running = RecommenderServer(tmp_path, port=0, poll_seconds=0.05)
    running.start()
    yield running
    running.stop(grace_seconds=0)


def check(channel: grpc.Channel, service: str) -> Any:
    """The status in the stock form: a message of one number."""
    method = channel.unary_unary(CHECK)
    # Field 1, a text: the service. Field 1 of the answer, a number: the status.
    content = service.encode()
    return method(b"\x0a" + bytes([len(content)]) + content if content else b"", timeout=60)


SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
SERVICES = ["", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"]


@pytest.mark.parametrize("service", SERVICES)
def test_it_serves_once_a_version_answers(channel: grpc.Channel, empty: RecommenderServer, service: str) -> None:
    assert check(channel, service) == SERVING
    with grpc.insecure_channel(empty.address) as other:
        assert check(other, service) == NOT_SERVING


def test_a_service_that_there_is_not_is_told(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        check(channel, "films")
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.NOT_FOUND,
        "There is no service 'films' here.",
    )


def watch(channel: grpc.Channel, service: str = "") -> Any:
    method = channel.unary_stream(WATCH, HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString)
    return method(HealthCheckRequest(service=service), timeout=120)


def test_a_watch_tells_each_change_once(empty: RecommenderServer, push: Callable[..., Path]) -> None:
    with grpc.insecure_channel(empty.address) as channel:
        told = watch(channel)
        assert next(told).status == 2
        push(empty.base_path, 1)
        assert next(told).status == 1
        stopping = threading.Thread(target=empty.stop, args=(30,))
        stopping.start()
        assert [each.status for each in told] == [2]
        stopping.join()


def test_a_watch_of_what_there_is_not_may_wait_for_it(empty: RecommenderServer) -> None:
    with grpc.insecure_channel(empty.address) as channel:
        told = watch(channel, "films")
        assert next(told).status == 3
        told.cancel()


def test_watches_hold_no_thread_that_calls_need(empty: RecommenderServer) -> None:
    with grpc.insecure_channel(empty.address) as channel:
        watches = [watch(channel) for _ in range(4)]
        assert [next(each).status for each in watches] == [2] * 4
        with pytest.raises(grpc.RpcError) as caught:
            next(watch(channel))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert check(channel, "") == NOT_SERVING
        for each in watches:
            each.cancel()

        def one_more() -> bool:
            again = watch(channel)
            try:
                return bool(next(again).status == 2)
            except grpc.RpcError:
                return False
            finally:
                again.cancel()

        wait_until(one_more)


def test_the_command_is_a_probe(server: RecommenderServer, empty: RecommenderServer) -> None:
    def run(address: str) -> tuple[int, str]:
        result = CliRunner().invoke(health, ["--target", address, "--timeout", "60"])
        return result.exit_code, result.output

    assert run(server.address) == (0, "SERVING\n")
    assert run(empty.address) == (1, "NOT_SERVING\n")
    empty.stop(grace_seconds=0)
    status, output = run(empty.address)
    assert (status, output.startswith(f"Error: No server answers at {empty.address}.")) == (1, True)


@pytest.mark.parametrize(("code", "expected"), [("OK", (0, "SERVING\n")), ("UNAVAILABLE", (1, "Error: No server"))])
def test_of_a_server_without_the_service_it_asks_for_the_versions(
    scripted: Scripted,
    target: str,
    code: str,
    expected: tuple[int, str],
) -> None:
    scripted.codes = [code] * 9
    result = CliRunner().invoke(health, ["--target", target, "--timeout", "60"])
    assert (result.exit_code, result.output[: len(expected[1])]) == expected


def reflect(channel: grpc.Channel, package: str, *requests: dict[str, str]) -> list[Any]:
    request = _protocol.message_class(f"{package}.ServerReflectionRequest")
    response = _protocol.message_class(f"{package}.ServerReflectionResponse")
    method = channel.stream_stream(
        f"/{package}.ServerReflection/ServerReflectionInfo", request.SerializeToString, response.FromString
    )
    return list(method(iter([request(**each) for each in requests]), timeout=60))


@pytest.mark.parametrize("package", ["grpc.reflection.v1", "grpc.reflection.v1alpha"])
def test_reflection_lists_services_and_describes_their_messages(channel: grpc.Channel, package: str) -> None:
    listed, by_symbol, by_name, unknown, extension = reflect(
        channel,
        package,
        {"list_services": ""},
        {"file_containing_symbol": "tensorflow.serving.PredictionService"},
        {"file_by_filename": "pnfrec/tensorflow.proto"},
        {"file_containing_symbol": "films.Films"},
        {"all_extension_numbers_of_type": "tensorflow.TensorProto"},
    )
    assert [each.name for each in listed.list_services_response.service] == [
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ]
    files = {}
    for content in by_symbol.file_descriptor_response.file_descriptor_proto:
        file = descriptor_pb2.FileDescriptorProto.FromString(content)
        files[file.name] = file
    assert {name for file in files.values() for name in file.dependency} <= set(files), "what is needed comes along"
    (service,) = [each for each in files["pnfrec/tensorflow.serving.proto"].service if each.name == "PredictionService"]
    assert [(each.name, each.input_type) for each in service.method] == [
        ("Predict", ".tensorflow.serving.PredictRequest"),
        ("GetModelMetadata", ".tensorflow.serving.GetModelMetadataRequest"),
    ]
    assert len(by_name.file_descriptor_response.file_descriptor_proto) >= 1
    assert (unknown.error_response.error_code, extension.error_response.error_code) == (5, 5)


def test_the_methods_that_reflection_names_are_those_that_answer(channel: grpc.Channel) -> None:
    for name in _protocol.SERVICE_NAMES[:2]:
        for method in _protocol.POOL.FindServiceByName(name).methods:
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(f"/{name}/{method.name}")(b"", timeout=60)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, "and not UNIMPLEMENTED"


def test_help_of_the_commands_imports_neither_grpc_nor_yaml() -> None:
    code = (
        "import sys, json; from serving.commands import health, serve\n"
        "for command in (health, serve): command.main(['--help'], standalone_mode=False)\n"
        "heavy = ('grpc', 'google.protobuf', 'yaml', 'pydantic', 'numpy', 'tensorflow', 'starlette', 'uvicorn')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []


def test_every_status_has_the_number_of_the_protocol() -> None:
    enum = _protocol.POOL.FindEnumTypeByName("grpc.health.v1.HealthCheckResponse.ServingStatus")
    assert {value.name: value.number for value in enum.values} == {
        "UNKNOWN": 0,
        "SERVING": 1,
        "NOT_SERVING": 2,
        "SERVICE_UNKNOWN": 3,
    }
    assert wire.PREDICTION_SERVICE in _protocol.SERVICE_NAMES
