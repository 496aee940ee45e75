"""Calls that nobody should send, in a process of their own: broken messages, odd shapes, types, names and numbers.

    python -m benchmarks.serving_fuzz --port 8500 --rest-port 8501 --requests FOLDER --calls 100000

Two of three go over gRPC, one over HTTP. Prints one line of JSON: calls by face and code, and what was said with each
code that a server must never answer with.
"""

import argparse
import asyncio
import collections
import copy
import http.client
import json
import random
import sys
from concurrent import futures
from pathlib import Path
from typing import Any, Final

import grpc

from serving import wire

_CLIENTS: Final = 16
_SIZES: Final = (0, 1, 2, 3, 50, 64, 10_000, 2**31, 2**62, -1, -(2**63))
_NUMBERS: Final = (0, 1, -1, 10, 10_000, 2**31 - 1, -(2**31), 2**63 - 1)
_TEXTS: Final = (b"", b"?", b"\xff\xfe", b"\0", "\u00e9".encode(), b"x" * 5000, b"1000001")
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    [],
    [[]],
    {},
    {"b64": "!"},
)
_PATHS: Final = ("pnfrec", "pnfrec/versions/1", "pnfrec/versions/99999999999999999999", "pnfrec/labels/x", "%00", "a:b")
_FIELDS: Final = ("int_val", "float_val", "string_val", "int64_val", "bool_val", "double_val")


def message(chance: random.Random, requests: list[bytes]) -> bytes:
    """A PredictRequest with something wrong in it, or bytes that are none."""
    content = chance.choice(requests)
    kind = chance.randrange(6)
    if kind == 0:
        return _spoilt(chance, content)
    if kind == 1:
        return chance.randbytes(chance.randrange(200))
    request = wire.PredictRequest.FromString(content)
    for _ in range(chance.randrange(1, 4)):
        _bend(chance, request)
    made = bytes(request.SerializeToString())
    return _spoilt(chance, made) if kind == 2 else made


def _spoilt(chance: random.Random, content: bytes) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt[: chance.randrange(len(spoilt) + 1)] if chance.random() < 0.3 else spoilt)


def _bend(chance: random.Random, request: Any) -> None:
    name = chance.choice([*request.inputs] or ["k"])
    kind = chance.randrange(9)
    proto = request.inputs[name]
    if kind == 0:
        del request.inputs[name]
    elif kind == 1:
        request.inputs[chance.choice(("other", "k", "gamma", "negative_item_ids", ""))].CopyFrom(proto)
    elif kind == 2:
        request.model_spec.signature_name = chance.choice(("with_negatives", "serve_examples", "none", "x" * 3000))
    elif kind == 3:
        request.model_spec.name = chance.choice(("", "other", "x" * 3000))
    elif kind == 4:
        proto.dtype = chance.randrange(30)
    elif kind == 5:
        del proto.tensor_shape.dim[:]
        for _ in range(chance.randrange(4)):
            proto.tensor_shape.dim.add(size=chance.choice(_SIZES))
    elif kind == 6:
        proto.string_val.extend(chance.choice(_TEXTS) for _ in range(chance.randrange(60)))
    elif kind == 7:
        _add_value(chance, proto)
    else:
        proto.tensor_content = chance.randbytes(chance.randrange(100))
        request.output_filter.append(chance.choice(("scores", "item_ids", "none", "")))


def _add_value(chance: random.Random, proto: Any) -> None:
    field = chance.choice(_FIELDS)
    number = chance.choice(_NUMBERS)
    if field == "int_val":
        number = max(min(number, 2**31 - 1), -(2**31))
    values = {"string_val": chance.choice(_TEXTS), "bool_val": bool(number)}
    getattr(proto, field).append(values.get(field, number))


def body(chance: random.Random) -> bytes:
    """A body of HTTP with something wrong in it."""
    document: dict[str, Any] = {
        "signature_name": "serving_default",
        "inputs": {"positive_item_ids": [["1000001", "1000002"]], "exclude_item_ids": [[]], "k": [5]},
    }
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(100))
    if kind == 1:
        document["instances"] = [chance.choice(_VALUES) for _ in range(chance.randrange(3))]
        if chance.random() < 0.7:
            del document["inputs"]
    for _ in range(chance.randrange(1, 3)):
        holder: Any = chance.choice([document, document.get("inputs", document)])
        key = chance.choice([*holder, "other", "gamma"])
        holder[key] = copy.deepcopy(chance.choice([*_VALUES, [list(_VALUES)], {"x": [1]}]))
        if not isinstance(document.get("inputs", {}), dict):
            break
    content = json.dumps(document).encode("utf-8", "surrogatepass")
    return _spoilt(chance, content) if kind == 2 else content


class Counts:
    """Codes by face, and what was said by those that must not be."""

    def __init__(self) -> None:
        self.codes: dict[str, collections.Counter[str]] = {"grpc": collections.Counter(), "rest": collections.Counter()}
        self.worst: dict[str, str] = {}

    def add(self, face: str, code: str, said: str) -> None:
        self.codes[face][code] += 1
        if code in ("INTERNAL", "UNKNOWN", "500"):
            self.worst.setdefault(f"{face} {code} {said[:60]}", said[:500])


async def over_grpc(port: int, requests: list[bytes], calls: int, counts: Counts) -> None:
    chance = random.Random(1)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        method = channel.unary_unary(wire.PREDICT)

        async def client() -> None:
            for _ in range(calls // _CLIENTS):
                try:
                    await method(message(chance, requests), timeout=60)
                except grpc.aio.AioRpcError as error:
                    counts.add("grpc", error.code().name, str(error.details()))
                else:
                    counts.add("grpc", "OK", "")

        await asyncio.gather(*(client() for _ in range(_CLIENTS)))


def over_http(port: int, calls: int, seed: int, counts: Counts) -> None:
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(calls):
        path = f"/v1/models/{chance.choice(_PATHS)}:predict"
        try:
            connection.request("POST", path, body(chance), {"content-type": "application/json"})
            answer = connection.getresponse()
            counts.add("rest", str(answer.status), answer.read().decode("utf-8", "replace"))
        except (http.client.HTTPException, OSError) as error:
            counts.add("rest", type(error).__name__, str(error))
            connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rest-port", type=int, required=True)
    parser.add_argument("--requests", required=True, help="folder of serialised requests")
    parser.add_argument("--calls", type=int, default=100_000)
    arguments = parser.parse_args()
    requests = [file.read_bytes() for file in sorted(Path(arguments.requests).glob("*.bin"))]
    counts = Counts()
    asyncio.run(over_grpc(arguments.port, requests, arguments.calls * 2 // 3, counts))
    with futures.ThreadPoolExecutor(4) as threads:
        some = arguments.calls // 3 // 4
        for done in [threads.submit(over_http, arguments.rest_port, some, seed, counts) for seed in range(4)]:
            done.result()
    sys.stdout.write(json.dumps({"codes": counts.codes, "worst": counts.worst}) + "\n")


if __name__ == "__main__":
    main()
