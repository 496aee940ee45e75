"""The event loop of gRPC's servers: uvloop's where there is one, and asyncio's where there is none."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from serving import loop
from serving.errors import ServerStartError
from serving.server import RecommenderServer


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


def test_a_fork_of_a_process_with_a_server_is_told_that_it_can_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for ever for what nobody runs."""
    loop.loop()
    parent = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: parent + 1)
        with pytest.raises(ServerStartError, match=f"Process {parent} has run a server, and this is its fork"):
            RecommenderServer(tmp_path, port=0).start()
    assert asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "answered"), loop.loop()).result(60) == "answered"
