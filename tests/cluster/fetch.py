"""Fetches one of Beam's runners with its engine, by Maven, into a folder that git ignores.

The job server is the runner itself: what Apache publishes as `...-job-server` is the same classes in one jar. Mirrors,
proxies and certificates are Maven's own affair: its settings.xml, MAVEN_OPTS and MAVEN_ARGS.
"""

import dataclasses
import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE_S = 900
# A line of a manifest has at most 72 bytes; one that goes on begins with a space.
_LINE = 70


@dataclasses.dataclass(frozen=True)
class Engine:
    """What is fetched.

    Attributes:
        name: Of the engine, as people say it.
        main: The class of the job server.
    """

    name: str
    main: str

    @property
    def pom(self) -> Path:
        """What Maven fetches."""
        return Path(__file__).with_name(f"{self.name.lower()}.pom.xml")


FLINK = Engine("Flink", "org.apache.beam.runners.flink.FlinkJobServerDriver")
SPARK = Engine("Spark", "org.apache.beam.runners.spark.SparkJobServerDriver")


class LackError(Exception):
    """What is missing on this machine, in a sentence."""


def fetch(engine: Engine) -> Path:
    """The folder of the jars, filled by this call or an earlier one.

    Args:
        engine: Whose they are.

    Raises:
        LackError: There is no Java, no Maven, or Maven cannot get a jar.
    """
    java(engine)
    runner = f"Beam's {engine.name} runner"
    folder = ROOT / ".tools" / f"{engine.name.lower()}-{hashlib.sha256(engine.pom.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        msg = f"Maven (mvn) is not on PATH, and it fetches {runner}: apt install maven."
        raise LackError(msg)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = [maven, "-B", "-q", "-f", str(engine.pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={partial}"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode:
            said = next((line for line in done.stdout.splitlines() if "ERROR" in line), "it says nothing")
            msg = f"Maven cannot fetch {runner}: {said.removeprefix('[ERROR] ')}"
            raise LackError(msg)
        partial.rename(folder)
    except subprocess.TimeoutExpired as error:
        msg = f"Maven has not fetched {runner} within {_PATIENCE_S} s: is there a network?"
        raise LackError(msg) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def java(engine: Engine) -> str:
    """The command of Java.

    Args:
        engine: What needs it.

    Raises:
        LackError: There is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        where = f"in {home}/bin (JAVA_HOME)" if home else "on PATH"
        msg = f"There is no java {where}, and {engine.name} needs Java 11 or 17: apt install openjdk-17-jre-headless."
        raise LackError(msg)
    return found


def write_server_jar(path: Path, jars: Path, engine: Engine) -> None:
    """A jar that `java -jar` starts the job server by, and that brings no classes but names those of the other jars.

    Beam uploads whatever its class path names to the cluster with each job: this way one kB, and not 150 MB.
    """
    line = "Class-Path: " + " ".join(jar.as_uri() for jar in sorted(jars.glob("*.jar")))
    lines = [line[:_LINE]]
    lines += [f" {line[begin : begin + _LINE - 1]}" for begin in range(_LINE, len(line), _LINE - 1)]
    with zipfile.ZipFile(path, "w") as file:
        manifest = ["Manifest-Version: 1.0", f"Main-Class: {engine.main}", *lines, "", ""]
        file.writestr("META-INF/MANIFEST.MF", "\r\n".join(manifest))
