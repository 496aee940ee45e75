"""What judging and explaining needs: no TensorFlow, TFX or Beam."""

import subprocess
import sys

LIGHT = [
    *("config", "tally", "thresholds"),
    *(f"report.{name}" for name in ("content", "figure", "html", "intervals", "judge", "measured", "render")),
    *("report.sentences", "report.verdict"),
]
HEAVY = ("tensorflow", "tensorflow_model_analysis", "tfx", "apache_beam", "keras", "pnfrec_keras")


def test_the_gate_judges_and_explains_without_tensorflow() -> None:
    code = (
        f"import importlib, sys; [importlib.import_module('components.gate.' + name) for name in {LIGHT!r}]; "
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
