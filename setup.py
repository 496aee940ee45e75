"""Dependencies of pnfrec, in two lanes that the Python version picks.

TFX 1.16 is the last release with wheels for a glibc older than 2.39 and runs on Python 3.10; TFX 1.21 needs a newer
glibc (or macOS on arm64) and runs on Python 3.11 to 3.13. Ranges live here; exact pins with hashes live in
`requirements/`.
"""

from setuptools import setup

OLD_LANE = 'python_version < "3.11"'
NEW_LANE = 'python_version >= "3.11"'

KERAS = [
    f"tensorflow>=2.16,<2.17; {OLD_LANE}",
    f"tensorflow>=2.21,<2.22; {NEW_LANE}",
    "keras>=3.12,<4",
]
CLIENT = ["click>=8.1", "grpcio>=1.60", "protobuf>=3.20.3"]
# What `pnfrec serve` needs beside the model's TensorFlow: settings, metrics, and an ASGI server for REST.
SERVER = [
    *CLIENT,
    "anyio>=4",
    "prometheus-client>=0.20",
    "pydantic>=2.7,<3",
    "pyyaml>=6",
    "starlette>=1,<2",
    "uvicorn>=0.40",
    # The event loop of the server. Where it has no wheel, asyncio's own does.
    'uvloop>=0.21; platform_system != "Windows" and platform_python_implementation == "CPython"',
]
# On macOS on arm64 it still asks for tensorflow-macos 2.13, which fits no lane: `index: tfrs` is for Linux.
TFRS = ['tensorflow-recommenders>=0.7.7,<0.8; platform_system == "Linux"', 'tf-keras>=2.16; platform_system == "Linux"']
# The pictures of `pnfrec experiment` and `pnfrec results`. No part of the pipeline, where Keras would import pyplot.
STUDIES = ["matplotlib>=3.8,<4"]
PIPELINE = [
    *KERAS,
    *SERVER,
    *TFRS,
    f"tfx>=1.16,<1.17; {OLD_LANE}",
    f"tfx>=1.21,<1.22; {NEW_LANE}",
    # A later Beam no longer brings dill, which tfx-bsl 1.16 imports without declaring it.
    f"apache-beam[gcp]>=2.61,<2.62; {OLD_LANE}",
    f"apache-beam>=2.77,<2.78; {NEW_LANE}",
    # Checksums of the TFRecords that FeedbackGen writes.
    "google-crc32c>=1.5",
    "numpy>=1.26",
    "pandas>=1.5",
    "pyarrow>=10",
    # TensorFlow 2.21 no longer brings it.
    "tensorboard>=2.16",
    # `tfx run create` calls `pip freeze`, so pip has to live in the environment.
    "pip",
    "setuptools",
]
# The client of Kubeflow Pipelines, for `pnfrec kubeflow` and for the containers of a cluster. kfp 2.6 and later ask for
# a protobuf that TFX 1.16 does not take; 2.16 is what TFX 1.21 is made for.
KFP = [f"kfp>=2.5,<2.6; {OLD_LANE}", f"kfp>=2.16,<2.17; {NEW_LANE}"]
DEV = [
    *STUDIES,
    # The form for Kubeflow is compiled and run, node by node, in tests.
    *KFP,
    # Certificates for the tests of TLS.
    "cryptography>=42",
    "hypothesis>=6",
    "mypy>=1.11",
    "pandas-stubs",
    "pytest>=8",
    "pytest-cov>=5",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.8",
    "ruff>=0.6",
    # The stock stubs of TF Serving's API: our server and our client are tested against them.
    "tensorflow-serving-api>=2.16,<2.20",
    "types-protobuf",
    "types-PyYAML",
]
# What `make docs` builds the site with, in an environment of its own: Sphinx with Markdown pages and API pages from the
# sources, and what it reads of this project: settings, commands, stored studies.
DOCS = [
    "sphinx>=8.1",
    "myst-parser>=4",
    "pydata-sphinx-theme>=0.19",
    "sphinx-autoapi>=3.6",
    "click>=8.1",
    "numpy>=1.26",
    "pandas>=1.5",
    "pyarrow>=10",
    "pydantic>=2.7,<3",
    "pyyaml>=6",
    *STUDIES,
]
GPU = [
    f"tensorflow[and-cuda]>=2.16,<2.17; {OLD_LANE}",
    f"tensorflow[and-cuda]>=2.21,<2.22; {NEW_LANE}",
]

setup(
    extras_require={
        "keras": KERAS,
        "client": CLIENT,
        "serve": [*KERAS, *SERVER],
        "tfrs": TFRS,
        "studies": STUDIES,
        "pipeline": PIPELINE,
        "gpu": GPU,
        "kfp": KFP,
        "dev": DEV,
        "docs": DOCS,
    },
)
