"""`pnfrec doctor`: what this machine and this installation have, what they lack, and what to do about it.

Without `--deep` nothing heavy is imported: versions come from the metadata of the installed distributions.
"""

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import click

from pipeline.machine import Machine, look
from pnfrec_core import launch

GIB: Final = 1 << 30
# Distributions without which the pipeline does not run, in the order of the report.
ESSENTIAL: Final = (
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "ml-metadata",
    "protobuf",
    "grpcio",
    "numpy",
    "pyarrow",
    "pandas",
    "pydantic",
)
# Only one setting or command needs these.
OPTIONAL: Final = {"tensorflow-recommenders": "`index: tfrs`", "tf-keras": "`index: tfrs`", "pip": "the tfx command"}
CUDA_DISTRIBUTION: Final = "nvidia-cudnn-cu12"
# Below these a run of a real catalogue gets into trouble.
LITTLE_MEMORY: Final = 4 * GIB
LITTLE_DISK: Final = 2 * GIB
NEW_LANE_GLIBC: Final = (2, 39)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something to mend: essential, or worth a note; the remedy is a sentence or a command."""

    level: Literal["missing", "note"]
    text: str
    remedy: str


def check(machine: Machine) -> list[Finding]:
    """What has to be mended, the essential first."""
    findings = [
        *_check_platform(machine),
        *_check_packages(machine),
        *_check_pins(machine),
        *_check_programs(machine),
        *_check_resources(machine),
    ]
    return sorted(findings, key=lambda finding: finding.level)


def _check_platform(machine: Machine) -> list[Finding]:
    findings: list[Finding] = []
    if not (3, 10) <= machine.python < (3, 14):
        text = f"Python {_dotted(machine.python)} fits no lane: TFX 1.16 takes 3.10, TFX 1.21 takes 3.11 to 3.13."
        findings.append(Finding("missing", text, "make setup    (picks a Python that fits)"))
    platforms = {("Linux", "x86_64"), ("Darwin", "arm64")}
    if (machine.system, machine.architecture) not in platforms:
        text = f"TFX has no wheels for {machine.system} {machine.architecture}."
        findings.append(Finding("missing", text, "Use Linux on x86_64 or macOS on arm64 (on Windows: WSL)."))
    elif machine.lane == "tfx121" and machine.glibc is not None and machine.glibc < NEW_LANE_GLIBC:
        text = f"The wheels of TFX 1.21 need glibc 2.39 or newer; this is {_dotted(machine.glibc)}."
        findings.append(Finding("missing", text, "make setup    (with a Python 3.10: lane tfx116)"))
    return findings


def _check_packages(machine: Machine) -> list[Finding]:
    absent = [name for name in ESSENTIAL if name not in machine.packages]
    findings = []
    if absent:
        text = f"Not installed: {', '.join(absent)}."
        findings.append(Finding("missing", text, "make setup    (or: pip install '.[pipeline]')"))
    for name, purpose in OPTIONAL.items():
        # tensorflow-recommenders is for Linux only: see setup.py.
        if name not in machine.packages and (name == "pip" or machine.system == "Linux"):
            text = f"Not installed: {name}, which {purpose} needs."
            findings.append(Finding("note", text, f"pip install '.[{'pipeline' if name == 'pip' else 'tfrs'}]'"))
    return findings


def _check_pins(machine: Machine) -> list[Finding]:
    differing = [
        f"{name} {version} (pinned: {machine.pins[name]})"
        for name, version in sorted(machine.packages.items())
        if machine.pins is not None and machine.pins.get(name, version) != version
    ]
    if not differing:
        return []
    text = f"Not as pinned in requirements/{machine.lane}.txt: {', '.join(differing)}."
    return [Finding("note", text, "make distclean setup    (makes the environment anew)")]


def _check_programs(machine: Machine) -> list[Finding]:
    findings = []
    for name, path in machine.programs.items():
        if path is not None and Path(path).parent.parent == Path(machine.prefix):
            continue
        where = f"{name} is not on PATH" if path is None else f"{name} on PATH is {path}, not that of this environment"
        text = f"{where}: `tfx run create` needs both tfx and pip there."
        findings.append(Finding("note", text, f"source {machine.prefix}/bin/activate"))
    return findings[:1]


def _check_resources(machine: Machine) -> list[Finding]:
    findings = []
    if machine.gpus and CUDA_DISTRIBUTION not in machine.packages:
        text = f"A GPU is there, but {CUDA_DISTRIBUTION} is not installed: TensorFlow may not find CUDA."
        findings.append(Finding("note", text, "make setup PNFREC_EXTRAS=gpu    (pnfrec doctor --deep tries it)"))
    if machine.memory < LITTLE_MEMORY:
        text = f"{machine.memory / GIB:.1f} GiB of memory is little for TFX."
        findings.append(Finding("note", text, "Close other programs, or use a machine with 4 GiB or more."))
    if machine.disk_free < LITTLE_DISK:
        text = f"{machine.disk_free / GIB:.1f} GiB free in {machine.folder} is little for runs and their artifacts."
        findings.append(Finding("note", text, "Free some space, or run in another folder."))
    return findings


def describe(machine: Machine) -> list[str]:
    """The facts, a line each."""
    libc = f", glibc {_dotted(machine.glibc)}" if machine.glibc else ""
    gpus = "no NVIDIA driver" if machine.gpus is None else "; ".join(machine.gpus) or "no NVIDIA GPU"
    if machine.pins is None:
        pins = "no pin file here"
    else:
        same = sum(machine.pins[name] == machine.packages.get(name) for name in machine.pins)
        pins = f"{same} of {len(machine.pins)} pins of requirements/{machine.lane}.txt installed"
    rows = [
        ("machine", f"{machine.system} {machine.architecture}{libc}"),
        ("devices", f"{machine.cores} CPU cores, {machine.memory / GIB:.1f} GiB memory, {gpus}"),
        ("disk", f"{machine.disk_free / GIB:.1f} GiB free in {machine.folder}"),
        ("Python", f"{_dotted(machine.python)} in {machine.prefix}"),
        ("lane", f"{machine.lane} ({pins})"),
        *((name, machine.packages.get(name, "not installed")) for name in (*ESSENTIAL, *OPTIONAL)),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:{width}}  {value}" for name, value in rows]


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


DEEP_MODULES: Final = (
    "tensorflow",
    "keras",
    "apache_beam",
    "tensorflow_model_analysis",
    "tfx.v1",
    "tensorflow_recommenders",
)


def deep(modules: Sequence[str]) -> bool:
    """Imports `modules` in a process of its own, which prints how it goes; whether all could be imported."""
    command = launch.command("pipeline.import_check", *modules)
    code = subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode
    if code < 0:
        click.echo(f"The process that imports them was killed by signal {-code}.")
    return code == 0


@click.command()
@click.option("--deep", "deeply", is_flag=True, help="Also import TensorFlow, Beam and TFX (about half a minute).")
def doctor(deeply: bool) -> None:
    """Say what this machine and this installation have and lack.

    Exit status: 0 nothing essential is missing, 1 something is.
    """
    machine = look()
    for line in describe(machine):
        click.echo(line)
    imported = True
    if deeply:
        click.echo()
        imported = deep(DEEP_MODULES)
    findings = check(machine)
    for finding in findings:
        click.echo(f"\n{finding.level.upper()}  {finding.text}\n  -> {finding.remedy}")
    if not findings and imported:
        click.echo("\nNothing is missing.")
    if not imported or any(finding.level == "missing" for finding in findings):
        raise SystemExit(1)
