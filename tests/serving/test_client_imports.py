"""A client is small: it brings neither TensorFlow nor what a server needs."""

import subprocess
import sys

import pytest

# Each takes a tenth of a second or more, and a client needs none of them.
HEAVY = (
    *("tensorflow", "keras", "numpy", "pandas", "pyarrow", "pydantic", "yaml", "apache_beam", "tfx", "jinja2"),
    *("prometheus_client", "starlette", "uvicorn", "anyio", "httpx", "cryptography", "click", "rich"),
)


@pytest.mark.parametrize("module", ["serving.client", "serving.aio", "serving.health"])
def test_what_a_client_imports(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules], 'grpc' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert run.stdout == "[] True\n"
