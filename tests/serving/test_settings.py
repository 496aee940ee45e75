"""One file of settings, and options over it."""

import dataclasses
from pathlib import Path
from typing import Any

import click
import pytest

from pnfrec_core.settings.errors import ConfigError
from pnfrec_core.settings.keys import tree_of
from serving.commands import serve
from serving.limits import Limits
from serving.options import given_settings
from serving.settings import LogSettings, RestSettings, ServerSettings, TlsSettings, VersionSettings, load_settings

WHOLE = """
base: models
model_name: films
port: 0
host: 0.0.0.0
poll_seconds: 0.5
workers: 3
token_file: /etc/tokens
versions: {latest: 2, specific: [3, 4], canary_share: 0.1}
limits: {max_rows: 7}
tls: {cert: cert.pem, key: /etc/key.pem, client_ca: ca.pem}
rest: {port: 8501, max_body_bytes: 1000, timeout_seconds: 3, page: true}
log: {access: logs/access.jsonl, exposure: logs/exposure.jsonl, max_bytes: 100, backups: 2}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "server.yaml"
    file.write_text(text)
    return file


def test_a_file_says_everything_and_its_paths_count_from_it(tmp_path: Path) -> None:
    here = str(tmp_path)
    assert load_settings(write(tmp_path, WHOLE), {}) == ServerSettings(
        base=f"{here}/models",
        model_name="films",
        port=0,
        host="0.0.0.0",
        poll_seconds=0.5,
        workers=3,
        token_file="/etc/tokens",
        versions=VersionSettings(2, [3, 4], 0.1),
        limits=Limits(max_rows=7),
        tls=TlsSettings(f"{here}/cert.pem", "/etc/key.pem", f"{here}/ca.pem"),
        rest=RestSettings(8501, 1000, 3.0, page=True),
        log=LogSettings(f"{here}/logs/access.jsonl", f"{here}/logs/exposure.jsonl", 100, 2),
    )


def test_options_count_over_the_file_and_their_paths_from_here(tmp_path: Path) -> None:
    given = {"base": "other", "limits.max_k": 9, "rest.port": 0, "log.access": "here.jsonl", "rest.page": False}
    settings = load_settings(write(tmp_path, WHOLE), given)
    assert (settings.base, settings.limits, settings.rest.port, settings.rest.page) == (
        "other",
        Limits(max_rows=7, max_k=9),
        0,
        False,
    )
    assert settings.log.access == "here.jsonl"
    assert load_settings(None, {"base": "x"}) == ServerSettings("x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: x\nprot: 1", r"`prot` is unknown\. Did you mean `port`\?"),
        ("base: x\nlimits: {max_row: 1}", r"`limits\.max_row` is unknown\. Did you mean `max_rows`\?"),
        ("base: x\nrest: {prot: 1}", r"`rest\.prot` is unknown\. Did you mean `port`\?"),
        ("port: 1", r"`base` is missing"),
        ("base: x\nport: '8500'", r"`port`: .*Received: '8500'"),
        ("base: x\nport: 65536", r"`port` must be from 0 to 65535\. Received: 65536"),
        ("base: x\npoll_seconds: 0", r"`poll_seconds` must be above 0\. Received: 0"),
        ("base: x\nworkers: 0", r"`workers` must be above 0"),
        ("base: ''", r"`base` is missing or empty: name the folder"),
        ("base: x\nmodel_config_file: y", r"`base` stands in the file that `model_config_file` names"),
        ("model_config_file: y\nmodel_name: z", r"`model_name` stands in the file"),
        ("model_config_file: y\nversions: {latest: 2}", r"`versions\.latest` stands in the file"),
        ("model_config_file: y\nversions: {specific: [2]}", r"`versions\.specific` stands in the file"),
        ("base: x\nlimits: {max_rows: 0}", r"`max_rows` must be at least 1"),
        ("base: x\ntls: {cert: a}", r"`tls\.key` is missing"),
        ("base: x\ntls: {key: a}", r"`tls\.cert` is missing"),
        ("base: x\ntls: {client_ca: a}", r"`tls\.client_ca` asks clients for certificates, which needs"),
        ("base: x\nrest: {page: true}", r"`rest\.page` needs a port"),
        ("base: x\nrest: {port: 8500}", r"`port` and `rest\.port` must differ"),
        ("base: x\nrest: {timeout_seconds: .inf}", r"`rest\.timeout_seconds` must be above 0"),
        ("base: x\nrest: {max_body_bytes: 0}", r"`rest\.max_body_bytes` must be above 0"),
        ("base: x\nlog: {access: a, exposure: a}", r"must be two files\. Received for both: '.*a'"),
        ("base: x\nlog: {access: a, exposure: b/../a}", r"must be two files\. Received for both: '.*a'"),
        ("base: x\nlog: {max_bytes: 0}", r"`log\.max_bytes` must be above 0"),
        ("base: x\nversions: {latest: -1}", r"`versions\.latest` must be 0, for all, or more\. Received: -1"),
        ("base: x\nversions: {specific: [-1]}", r"`versions\.specific` must hold versions"),
        ("base: x\nversions: {canary_share: 1.5}", r"`versions\.canary_share` must be a share from 0 to 1"),
        ("base: x\nversions: {canary_share: .nan}", r"`versions\.canary_share` must be a share from 0 to 1"),
        ("base: x\nbase: y", r"`base` is given twice"),
        ("- x", r"expected a mapping of settings of a server"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(file, {})
    assert str(caught.value).startswith(f"{file}: ")


def test_a_missing_file_and_a_section_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such configuration file"):
        load_settings(tmp_path / "absent.yaml", {})
    with pytest.raises(ConfigError, match="`rest`"):
        load_settings(write(tmp_path, "base: x\nrest: 8501"), {})


def options() -> dict[str, click.Option]:
    return {each.name or "": each for each in serve.params if isinstance(each, click.Option)}


def test_every_key_is_an_option() -> None:
    paths = {key.path for key in tree_of(ServerSettings).all_keys()}
    assert {name.replace("__", ".") for name in options()} - {"config_path"} == paths
    assert options()["limits__max_rows"].opts == ["--max-rows"]
    assert options()["rest__port"].opts == ["--rest-port"]


def test_every_key_says_what_it_means() -> None:
    assert [key.path for key in tree_of(ServerSettings).all_keys() if not key.meaning] == []


def test_the_defaults_that_the_help_shows_are_those_of_the_settings() -> None:
    shown = {name: option.show_default for name, option in options().items() if option.show_default}
    defaults: dict[str, Any] = {}
    sections = {"limits__": Limits, "rest__": RestSettings, "log__": LogSettings, "versions__": VersionSettings}
    for section, kind in {"": ServerSettings, **sections}.items():
        for field in dataclasses.fields(kind):
            defaults[section + field.name] = field.default
    assert shown == {name: str(defaults[name]) for name in shown}
    assert {"port", "limits__max_rows", "rest__timeout_seconds"} <= set(shown)


def test_options_that_were_not_given_are_left_to_the_file() -> None:
    given = {"limits__max_rows": 3, "port": None, "rest__page": False, "versions__specific": (), "workers": 0}
    assert given_settings(given) == {"limits.max_rows": 3, "rest.page": False, "workers": 0}
    assert given_settings({"versions__specific": (3, 4)}) == {"versions.specific": [3, 4]}


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False)]
)
def test_which_addresses_only_this_machine_reaches(host: str, local: bool) -> None:
    assert ServerSettings("x", host=host).is_local is local
