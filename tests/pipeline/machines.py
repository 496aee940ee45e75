"""A machine that lacks nothing, and others like it."""

import dataclasses
from typing import Any

from pipeline.machine import Machine

PACKAGES = {
    "tfx": "1.16.0",
    "tensorflow": "2.16.2",
    "keras": "3.12.4",
    "apache-beam": "2.61.0",
    "tensorflow-model-analysis": "0.47.1",
    "tensorflow-data-validation": "1.16.1",
    "ml-metadata": "1.16.0",
    "protobuf": "3.20.3",
    "grpcio": "1.65.5",
    "numpy": "1.26.4",
    "pyarrow": "10.0.1",
    "pandas": "1.5.3",
    "pydantic": "2.14.3",
    "tensorflow-recommenders": "0.7.7",
    "tf-keras": "2.16.0",
    "pip": "26.3",
}
GIB = 1024**3
# Nothing is missing here.
MACHINE = Machine(
    system="Linux",
    architecture="x86_64",
    glibc=(2, 36),
    python=(3, 10, 13),
    prefix="/repo/.venv/tfx116",
    cores=2,
    memory=16 * GIB,
    disk_free=100 * GIB,
    folder="/repo",
    gpus=None,
    programs={"tfx": "/repo/.venv/tfx116/bin/tfx", "pip": "/repo/.venv/tfx116/bin/pip"},
    packages=PACKAGES,
    pins=PACKAGES,
)


def machine(**changes: Any) -> Machine:
    return dataclasses.replace(MACHINE, **changes)


def without(*names: str) -> dict[str, str]:
    return {name: version for name, version in PACKAGES.items() if name not in names}
