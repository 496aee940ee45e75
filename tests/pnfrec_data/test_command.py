"""`pnfrec data`: what a user sees and the exit status."""

import dataclasses
import hashlib
import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pnfrec_data import registry
from pnfrec_data.command import progress_text
from pnfrec_data.dataset import RemoteFile
from tests.pnfrec_data.server import Site, served

CONTENT = b'{"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1390953600}\n' * 5
NAME = "reviews_Toys_and_Games_5.json.gz"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Moves the reviews of toys to `url`."""
    toys = dataclasses.replace(registry.find("amazon-toys"), files=(RemoteFile(url, NAME),))
    monkeypatch.setitem(registry.DATA_SETS, "amazon-toys", toys)


def test_list_names_every_data_set_with_its_terms(tmp_path: Path) -> None:
    shown = call("list", "--data", tmp_path)
    assert shown.exit_code == 0
    for each in registry.DATA_SETS.values():
        assert f"\n{each.name} " in f"\n{shown.output}"
        assert each.licence in shown.output


def test_help_and_list_load_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from pipeline.cli import main;"
        "r = CliRunner().invoke(main, ['data', 'list']); assert r.exit_code == 0, r.output;"
        "print([m for m in ('pyarrow', 'pandas', 'tensorflow', 'apache_beam', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def published(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Makes `rows` the published number of reviews of toys, of one user and product."""
    toys = dataclasses.replace(registry.find("amazon-toys"), counts=(rows, 1, 1))
    monkeypatch.setitem(registry.DATA_SETS, "amazon-toys", toys)


def test_fetch_shows_the_terms_first_then_prepares_and_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Site(CONTENT)) as site:
        at(monkeypatch, site.url(NAME))
        published(monkeypatch, 5)
        shown = call("fetch", "amazon-toys", "--data", tmp_path)
        again = call("fetch", "amazon-toys", "--data", tmp_path)
    assert shown.exit_code == 0, shown.output
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert f"{NAME} was downloaded, sha256 {digest}.\nThe publisher gives no checksum, so nothing" in shown.output
    assert f"{NAME} is there already, sha256 {digest}.\nThe publisher gives no checksum: it is that of" in again.output
    assert shown.output.index("Terms: No licence") < shown.output.index(f"http://127.0.0.1:{site.port}")
    assert "5 rows, 1 users, 1 items" in shown.output
    assert "The counts are those that were published." in shown.output
    assert "Next: pnfrec run --config configs/amazon-toys.yaml" in shown.output
    record = json.loads((tmp_path / "amazon-toys" / "SOURCE.json").read_text(encoding="utf-8"))
    assert record["downloads"] == {NAME: digest}
    assert again.output.count("is there already") == 2
    assert len(site.asked) == 1
    (tmp_path / "amazon-toys" / "download" / NAME).unlink()
    with served(Site(CONTENT + b"\n")) as site:
        at(monkeypatch, site.url(NAME))
        changed = call("fetch", "amazon-toys", "--data", tmp_path)
    assert changed.exit_code == 1
    assert "an earlier download had" in changed.output


def test_without_a_network_it_says_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and not listening
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}"
        at(monkeypatch, url)
        shown = call("fetch", "amazon-toys", "--data", tmp_path)
    assert shown.exit_code == 1
    assert "no connection" in shown.output
    assert url in shown.output
    assert f"pnfrec data prepare amazon-toys --source {NAME}" in shown.output
    place = tmp_path / "amazon-toys" / "download" / NAME
    assert f"put it at {place} and run\n  pnfrec data prepare amazon-toys\n" in shown.output
    place.write_bytes(CONTENT)
    published(monkeypatch, 5)
    assert "5 rows" in call("prepare", "amazon-toys", "--data", tmp_path).output


def test_without_a_network_it_names_all_files_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and not listening
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        files = tuple(RemoteFile(f"{base}/{name}", name) for name in ("ratings.dat", "movies.dat"))
        tweets = dataclasses.replace(registry.find("movietweetings"), files=files)
        monkeypatch.setitem(registry.DATA_SETS, "movietweetings", tweets)
        shown = call("fetch", "movietweetings", "--data", tmp_path)
    downloads = tmp_path / "movietweetings" / "download"
    assert shown.exit_code == 1
    assert shown.output.endswith(
        f"  address  {base}/ratings.dat\n  address  {base}/movies.dat\n"
        "  page     https://github.com/sidooms/MovieTweetings\n"
        "Where this machine has no network, download ratings.dat and movies.dat on another one. Then either\n"
        "  pnfrec data prepare movietweetings --source FOLDER  (which holds ratings.dat and movies.dat)\n"
        f"or put them at {downloads / 'ratings.dat'} and {downloads / 'movies.dat'} and run\n"
        "  pnfrec data prepare movietweetings\n"
    )


def test_other_counts_than_published_are_warned_of_before_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    published(monkeypatch, 6)
    shown = call("prepare", "amazon-toys", "--source", tmp_path / NAME, "--data", tmp_path)
    assert shown.exit_code == 0
    assert shown.stderr == (
        "WARNING: this is not amazon-toys as it was published:\n"
        "  5 rows, published are 6.\n"
        "Either the file was cut off or changed, or it is another edition: then results cannot be compared with those "
        "on the published one. See https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html. "
        "`pnfrec data fetch amazon-toys` downloads it.\n"
    )
    assert shown.stdout.endswith("\nIf that is what you want: pnfrec run --config configs/amazon-toys.yaml\n")
    assert "Next" not in shown.stdout


@pytest.mark.parametrize("verb", ["prepare", "fetch"])
def test_far_too_few_rows_fail_unless_they_are_accepted(tmp_path: Path, verb: str) -> None:
    place = tmp_path / "amazon-toys" / "download" / NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    shown = call(verb, "amazon-toys", "--data", tmp_path)
    assert shown.exit_code == 1
    assert shown.stderr == (
        f"FAILED: {place}: expected 167,597 rows, as published. Received 5, fewer than half: a download that was cut "
        "off, or another file. What was prepared before is left as it is. Get the whole file, or add --accept-counts "
        f"to take this one. Remove {place}, then `pnfrec data fetch amazon-toys` downloads it.\n"
    )
    assert "pnfrec run" not in shown.stdout
    assert [path.name for path in (tmp_path / "amazon-toys").iterdir()] == ["download"]
    accepted = call(verb, "amazon-toys", "--data", tmp_path, "--accept-counts")
    assert accepted.exit_code == 0
    assert accepted.stderr.startswith(
        "WARNING: this is not amazon-toys as it was published:\n  5 rows, published are 167,597.\n"
    )
    assert (tmp_path / "amazon-toys" / "ratings.parquet").exists()


def test_prepare_without_a_copy_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if recbole were not installed, whatever is.
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    shown = call("prepare", "ml-100k", "--data", tmp_path)
    assert shown.exit_code == 1
    assert "pip install --no-deps recbole==1.2.1 && pnfrec data prepare ml-100k" in shown.output
    assert "pnfrec data fetch ml-100k" in shown.output
    assert "pnfrec data prepare ml-100k --source ml-100k.zip" in shown.output
    shown = call("prepare", "movietweetings", "--data", tmp_path)
    assert "--source FOLDER  (which holds ratings.dat and movies.dat)" in shown.output
    shown = call("prepare", "ml-1m", "--data", tmp_path, "--source", tmp_path / "nowhere.zip")
    assert shown.exit_code == 1
    assert "nowhere.zip: there is no such file or folder" in shown.output


def test_a_run_without_its_data_says_so_at_once(tmp_path: Path) -> None:
    settings = [f"feedback.base={tmp_path}", f"output={tmp_path / 'out'}"]
    config = str(Path(__file__).parents[2] / "configs" / "ml-1m.yaml")
    shown = CliRunner().invoke(
        main, ["run", "--config", config, *(part for each in settings for part in ("--set", each))]
    )
    assert shown.exit_code == 1
    place = tmp_path / "data" / "ml-1m" / "ratings.parquet"
    assert f"there is no file {place}. Get it with `pnfrec data fetch ml-1m`" in shown.output
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_is_wrong_usage_and_close_names_are_listed() -> None:
    for verb in ("fetch", "prepare"):
        shown = call(verb, "ml1m")
        assert shown.exit_code == 2
        assert "There is no data set 'ml1m'. Did you mean ml-1m" in shown.output
    assert "Known: movietweetings, ml-latest-small, " in call("fetch", "qqq").output


def test_progress_tells_rate_and_time_left() -> None:
    mib = 1 << 20
    # 60 of 100 MiB are there, 20 of them from this call, in 10 s.
    assert progress_text(60 * mib, 100 * mib, 20 * mib, 10.0) == "  60.0 of 100.0 MiB (60%), 2.0 MiB/s, 20 s left"
    assert progress_text(60 * mib, None, 20 * mib, 10.0) == "  60.0 MiB, 2.0 MiB/s"


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    source, taken = tmp_path / "ratings.json", tmp_path / "taken"
    source.write_bytes(CONTENT)
    taken.write_text("a file")
    for root, named in ((taken, taken / "amazon-toys"), (tmp_path, tmp_path / "amazon-toys")):
        (tmp_path / "amazon-toys").touch()
        done = call("prepare", "amazon-toys", "--source", source, "--accept-counts", "--data", root)
        assert done.exit_code == 1
        assert f"FAILED: {named}: cannot be made, read or written (" in done.output
        assert "name another folder with --data." in done.output
