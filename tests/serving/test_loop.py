"""The event loop of gRPC's servers: uvloop's where there is one, and asyncio's where there is none."""

import asyncio
import sys

import pytest

from serving import loop


def test_it_is_uvloops() -> None:
    uvloop = pytest.importorskip("uvloop")
    made = loop._new_loop()
    try:
        assert isinstance(made, uvloop.Loop)
    finally:
        made.close()


def test_without_uvloop_it_is_asyncios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)  # what an import then finds
    made = loop._new_loop()
    try:
        assert isinstance(made, asyncio.SelectorEventLoop)
        assert made.run_until_complete(asyncio.sleep(0, "answered")) == "answered"
    finally:
        made.close()
