import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from serving import server as server_module
from serving.commands import query, serve
from serving.server import RecommenderServer


@pytest.fixture
def ask(server: RecommenderServer) -> Callable[..., tuple[int, str]]:
    """Runs `pnfrec query` against the server of version 1; the exit status and everything printed."""

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(query, ["--target", server.address, "--timeout", "20", *arguments])
        return result.exit_code, result.output

    return run


def test_query_prints_a_table(ask: Callable[..., tuple[int, str]], server: RecommenderServer, base: Path) -> None:
    status, output = ask("--base", str(base), "--positive", "alien", "-p", "b", "-x", "alien 3", "-k", "2")
    assert output == (
        f"Model pnfrec, version 1, at {server.address}\n"
        "History, oldest first; the model knows 2 of 2:\n"
        "  known  a  Alien (1979)\n"
        "  known  b  Brazil (1985)\n"
        "Excluded beside the history:\n"
        "  known  d  Alien 3 (1992)\n"
        "\n"
        "rank  title              id   score\n"
        "   1  Casablanca (1942)  c   3.0000\n"
        "   2                     e   0.0000\n"
    )
    assert status == 0


def test_query_without_titles_takes_ids(ask: Callable[..., tuple[int, str]], server: RecommenderServer) -> None:
    assert ask("-p", "a", "-p", "zzz", "-k", "1") == (
        0,
        f"Model pnfrec, version 1, at {server.address}\n"
        "History, oldest first; the model knows 1 of 2:\n"
        "  a\n"
        "  zzz\n"
        "\n"
        "rank  id   score\n"
        "   1  b   3.0000\n",
    )


def test_query_says_when_the_list_is_by_popularity(
    ask: Callable[..., tuple[int, str]], server: RecommenderServer, base: Path
) -> None:
    status, output = ask("--base", str(base), "-p", "nosuch", "--keep-unknown", "-k", "1")
    assert output == (
        f"Model pnfrec, version 1, at {server.address}\n"
        "History, oldest first; the model knows 0 of 1:\n"
        "  unknown  nosuch\n"
        "By popularity, not personal: the model knows no item of the history.\n"
        "\n"
        "rank  title         id   score\n"
        "   1  Alien (1979)  a   5.0000\n"
    )
    assert status == 0
    assert "By popularity, not personal: the history is empty.\n" in ask("-k", "1")[1]


def test_query_says_when_nothing_is_left(ask: Callable[..., tuple[int, str]]) -> None:
    status, output = ask(*[word for item_id in "abcde" for word in ("-p", item_id)])
    assert (status, output.splitlines()[-1]) == (0, "No item is left to recommend.")


def test_query_takes_dislikes_and_their_weight(ask: Callable[..., tuple[int, str]], base: Path) -> None:
    items = base / "1" / "assets.extra" / "items.jsonl"
    status, output = ask("--items", str(items), "-p", "brazil", "-n", "alien (1979)", "--gamma", "0.5", "-k", "1")
    assert status == 0
    assert "The model knows 1 of 2 items. Liked, oldest first:\n" in output
    assert "Disliked:\n  known  a  Alien (1979)" in output
    assert output.splitlines()[-1].split() == ["1", "Casablanca", "(1942)", "c", "2.5000"]


def test_query_prints_json(ask: Callable[..., tuple[int, str]], server: RecommenderServer, base: Path) -> None:
    items = base / "1" / "assets.extra" / "items.jsonl"
    status, output = ask("--items", str(items), "-p", "brazil", "-x", "e", "-k", "2", "--json")
    assert json.loads(output) == {
        "model": "pnfrec",
        "version": 1,
        "target": server.address,
        "history": [{"text": "brazil", "item_id": "b", "title": "Brazil (1985)", "known": True}],
        "exclude": [{"text": "e", "item_id": "e", "title": None, "known": True}],
        "negative": [],
        "allow": [],
        "unknown_allowed": None,
        "known_items": 1,
        "fallback": False,
        "items": [
            {"rank": 1, "item_id": "a", "title": "Alien (1979)", "score": 3.0},
            {"rank": 2, "item_id": "c", "title": "Casablanca (1942)", "score": 2.0},
        ],
    }
    assert status == 0


def test_titles_are_those_of_the_version_that_serves(
    ask: Callable[..., tuple[int, str]], tmp_path: Path, push: Callable[..., Path]
) -> None:
    # The server holds version 1 only; version 2 in this folder names item a otherwise.
    push(tmp_path, 1)
    newer = push(tmp_path, 2) / "assets.extra" / "items.jsonl"
    newer.write_text(newer.read_text().replace("Alien (1979)", "Aliens (1986)"))
    assert ask("--base", str(tmp_path), "-p", "Alien (1979)", "-k", "1")[0] == 0


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "Casablanka",
            "Error: 'Casablanka' is neither an id nor a title among the 5 items of {items}. "
            "Close: Casablanca (1942) [c]. With --keep-unknown it is sent as an id all the same.\n",
        ),
        (
            "al",
            "Error: 'al' names 2 items: Alien (1979) [a], Alien 3 (1992) [d]. Give the full title or the id.\n",
        ),
    ],
)
def test_query_refuses_words_that_name_no_or_several_items(
    ask: Callable[..., tuple[int, str]], base: Path, word: str, message: str
) -> None:
    items = base / "1" / "assets.extra" / "items.jsonl"
    assert ask("--base", str(base), "-p", word) == (1, message.format(items=items))


def test_query_reports_a_missing_server() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and not listening
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        result = CliRunner().invoke(query, ["--target", target, "-p", "a"])
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: No server answers at {target}. Start one with `pnfrec serve --base FOLDER")


def test_query_reports_another_model_a_missing_folder_and_a_contradiction(
    ask: Callable[..., tuple[int, str]], tmp_path: Path, base: Path
) -> None:
    status, output = ask("--model-name", "films", "-p", "a")
    assert (status, "Servable not found for request: Latest(films)" in output) == (1, True)
    status, output = ask("--base", str(tmp_path), "-p", "a")
    assert (status, output) == (
        1,
        f"Error: {tmp_path} holds no version 1 with a saved_model.pb. Versions there: none.\n",
    )
    items = base / "1" / "assets.extra" / "items.jsonl"
    status, output = ask("--base", str(base), "--items", str(items))
    assert (status, output.splitlines()[-1]) == (
        2,
        "Error: Give --items or --base, not both: each names a place for the titles.",
    )


def test_serve_says_where_it_serves_and_stops_on_a_signal(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = server_module.describe

    def stop_after(server: RecommenderServer) -> str:
        signal.raise_signal(signal.SIGINT)
        return described(server)

    monkeypatch.setattr(server_module, "describe", stop_after)
    before = signal.getsignal(signal.SIGINT)
    result = CliRunner().invoke(serve, ["--base", str(base), "--port", "0", "--poll-seconds", "60"])
    assert (result.exit_code, result.exception) == (0, None)
    port = result.output.split(":")[1].split()[0]
    assert result.output == f"127.0.0.1:{port} serves pnfrec, version 1 of {base}.\n"
    assert signal.getsignal(signal.SIGINT) == before


def test_serve_reports_a_port_in_use_and_a_missing_folder(server: RecommenderServer, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    result = CliRunner().invoke(serve, ["--base", str(absent), "--port", str(server.port)])
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{absent} does not exist yet: waiting for it.",
        f"Error: Cannot listen on {server.address}: the port is in use, or the address is not one of this machine. "
        "Choose another with --port (0 picks a free one) or --host.",
    ]


def test_serve_refuses_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    result = CliRunner().invoke(serve, ["--base", str(tmp_path / "saved_model.pb"), "--port", "0"])
    assert (result.exit_code, "is a file. `base` must be the folder above those of the versions." in result.output) == (
        2,
        True,
    )


def test_the_commands_have_their_names_and_their_help_needs_no_grpc() -> None:
    assert isinstance(serve, click.Command)
    assert isinstance(query, click.Command)
    assert (serve.name, query.name) == ("serve", "query")
    script = (
        "import sys; from serving.commands import query, serve\n"
        "for command in (query, serve): command.main(['--help'], standalone_mode=False)\n"
        "print([name for name in ('grpc', 'google.protobuf', 'numpy', 'tensorflow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
    assert "An item that must not come back" in run.stdout
