"""The examples of schedulers: that each calls the command as it is, and has the keys that its scheduler knows."""

import configparser
import re
import runpy
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.daily_command import daily
from pipeline.run_record import STATUS
from pnfrec_core.imports import ROOT

FOLDER = ROOT / "examples" / "daily"


def parse(words: list[str]) -> None:
    """Raises where `pnfrec daily` does not take these words, from the name of the program on."""
    assert Path(words[0]).name == "pnfrec"
    assert words[1] == "daily"
    daily.make_context("daily", words[2:])


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


def refusals() -> list[int]:
    """The statuses after which a second try changes nothing."""
    return sorted({status for status in STATUS.values() if status > 1})


def test_the_unit_of_systemd() -> None:
    service = unit("pnfrec-daily.service")["Service"]
    parse(shlex.split(service["ExecStart"]))
    assert [int(word) for word in service["RestartPreventExitStatus"].split()] == refusals()
    assert unit("pnfrec-daily.timer")["Timer"]["OnCalendar"].endswith("UTC")


def test_the_job_of_kubernetes() -> None:
    document = yaml.safe_load((FOLDER / "cronjob.yaml").read_text(encoding="utf-8"))
    job = document["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    parse(container["command"])
    (rule,) = job["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == refusals()
    assert rule["onExitCodes"]["containerName"] == container["name"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in job["template"]["spec"]["volumes"]}


def test_every_key_of_the_job_is_one_of_kubernetes() -> None:
    from kubernetes.client import models

    def check(value: Any, kind: str, where: str) -> None:
        if kind.startswith(("list[", "dict(")):
            inner = re.fullmatch(r"list\[(.+)\]|dict\(str, (.+)\)", kind)
            assert inner, kind
            for name, each in value.items() if isinstance(value, dict) else enumerate(value):
                check(each, inner[1] or inner[2], f"{where}.{name}")
        elif hasattr(models, kind):
            model = getattr(models, kind)
            attributes = {key: name for name, key in model.attribute_map.items()}
            assert set(value) <= set(attributes), where
            # Raises where a required key is missing, or a value is none of those that are allowed. Of a rule the
            # client's description asks for both conditions, and the API server for one of them.
            given = {"onPodConditions": [], **value} if kind == "V1PodFailurePolicyRule" else value
            model(**{attributes[key]: each for key, each in given.items()})
            for key, each in value.items():
                check(each, model.openapi_types[attributes[key]], f"{where}.{key}")
        else:
            wanted = {"str": str, "int": int, "bool": bool}[kind]
            assert type(value) is wanted, f"{where}: {value!r} is no {kind}"

    document = yaml.safe_load((FOLDER / "cronjob.yaml").read_text(encoding="utf-8"))
    check(document, "V1CronJob", "cronjob")


def test_the_dag_of_airflow_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stub: what it is given is looked at."""
    made: list[dict[str, Any]] = []

    class Stub:
        def __init__(self, **given: Any) -> None:
            made.append(given)

        def __enter__(self) -> "Stub":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    for name, attribute in (("airflow", "DAG"), ("airflow.operators", ""), ("airflow.operators.bash", "BashOperator")):
        module = types.ModuleType(name)
        module.__path__ = []
        setattr(module, attribute or "nothing", Stub)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "airflow.providers", None)
    runpy.run_path(str(FOLDER / "dag.py"))
    dag, task = made
    assert dag["max_active_runs"] == 1
    assert not dag["catchup"]
    parse(shlex.split(task["bash_command"]))
    assert task["skip_on_exit_code"] == [STATUS["not_blessed"]]


def test_the_command_on_refusal_needs_its_address() -> None:
    done = subprocess.run(
        ["sh", str(FOLDER / "tell.sh")], input="{}\n", capture_output=True, text=True, check=False, env={}, timeout=60
    )
    assert done.returncode != 0
    assert "PNFREC_WEBHOOK: is not set" in done.stderr
