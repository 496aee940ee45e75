"""What `make cluster-test` says of a machine that lacks something, and the jar that starts the job server."""

import os
import zipfile
from pathlib import Path

import pytest

from tests.cluster import fetch
from tests.cluster.fetch import FLINK, SPARK, LackError, write_server_jar


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no programs, and with nothing fetched."""
    monkeypatch.setattr(fetch, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_no_java(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LackError) as caught:
        fetch.fetch(FLINK)
    assert str(caught.value) == (
        "There is no java on PATH, and Flink needs Java 11 or 17: apt install openjdk-17-jre-headless."
    )
    monkeypatch.setenv("JAVA_HOME", str(bare))
    with pytest.raises(LackError, match=f"no java in {bare}/bin"):
        fetch.fetch(FLINK)


def test_no_maven(bare: Path) -> None:
    program(bare / "java", "exit 0")
    with pytest.raises(LackError, match="mvn"):
        fetch.fetch(FLINK)


def test_what_maven_says_is_told_and_nothing_half_fetched_is_kept(bare: Path) -> None:
    program(bare / "java", "exit 0")
    said = "[ERROR] Could not transfer artifact x: unknown host"
    folder = 'for word; do case "$word" in -DoutputDirectory=*) /bin/mkdir -p "${word#*=}";; esac; done'
    program(bare / "mvn", f"{folder}\necho '{said}'\nexit 1")
    with pytest.raises(LackError) as caught:
        fetch.fetch(FLINK)
    assert str(caught.value) == ("Maven cannot fetch Beam's Flink runner: Could not transfer artifact x: unknown host")
    assert os.listdir(bare / ".tools") == []


def test_what_is_there_is_not_fetched_again(bare: Path) -> None:
    program(bare / "java", "exit 0")
    program(bare / "mvn", 'for word; do case "$word" in -DoutputDirectory=*) /bin/mkdir -p "${word#*=}";; esac; done')
    found = fetch.fetch(FLINK)
    assert found.is_dir()
    program(bare / "mvn", "exit 1")
    assert fetch.fetch(FLINK) == found


def test_the_jar_names_all_others_in_lines_that_java_reads(tmp_path: Path) -> None:
    jars = tmp_path / "a folder"
    jars.mkdir()
    for number in range(5):
        (jars / f"{'x' * 40}-{number}.jar").touch()
    write_server_jar(tmp_path / "server.jar", jars, SPARK)
    with zipfile.ZipFile(tmp_path / "server.jar") as file:
        text = file.read("META-INF/MANIFEST.MF").decode()
    assert all(len(line) <= 72 for line in text.split("\r\n"))
    joined = text.replace("\r\n ", "")
    assert "Main-Class: org.apache.beam.runners.spark.SparkJobServerDriver\r\n" in joined
    assert joined.count("a%20folder") == 5
