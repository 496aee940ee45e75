"""Which calls the warm interpreter takes, and which want one of their own."""

import os
import subprocess

import pytest

# Whether TFX was there before the program's first line; and, in a process that this one starts, whether it is there.
ASK = "import sys; print('tfx' in sys.modules)"
NESTED = f"""
import os, subprocess, sys
for more in ({{}}, {{"TF_USE_LEGACY_KERAS": "1"}}):
    subprocess.run([sys.executable, "-c", {ASK!r}], env={{**os.environ, **more}}, check=True)
"""


def told(executable: str, program: str, **more: str) -> list[str]:
    environment = {**os.environ, **more}
    done = subprocess.run([executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


@pytest.mark.tensorflow
def test_keras_2_is_a_request_in_a_fork_alone(warm_python: str) -> None:
    assert told(warm_python, ASK) == ["True"]
    assert told(warm_python, ASK, TF_USE_LEGACY_KERAS="1") == ["True"], "what an import of TFX leaves behind"
    assert told(warm_python, ASK, XLA_FLAGS="--xla_dump_max_hlo_modules=1") == ["False"]
    assert told(warm_python, NESTED) == ["True", "False"]
