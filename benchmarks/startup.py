"""Where the seconds of `pnfrec run` on MovieTweetings go: cold, and again with everything cached.

python -m benchmarks.startup
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import measure


def timed_run(output: Path) -> dict[str, Any]:
    """Seconds of one run, and what it printed."""
    command = [
        *(str(Path(sys.executable).parent / "pnfrec"), "run"),
        *("--config", str(measure.ROOT / "configs" / "movietweetings.yaml"), "--set", f"output={output}"),
    ]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=measure.ROOT, capture_output=True, text=True, check=False)
    return {"seconds": time.perf_counter() - begin, "code": done.returncode, "printed": done.stdout}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "cached"):
            runs[name] = timed_run(Path(folder) / "run")
            measure.say(
                f"{name}: {runs[name]['seconds']:.0f} s, exit code {runs[name]['code']}\n{runs[name]['printed']}"
            )
    imports = {}
    for module in ("tensorflow", "keras", "tensorflow_model_analysis", "tfx.components", "pipeline.pipeline"):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], cwd=measure.ROOT, capture_output=True, check=True)
        imports[module] = time.perf_counter() - begin
    rows = [[module, f"{seconds:.1f} s"] for module, seconds in imports.items()]
    measure.say(measure.table(["import, in a process of its own", ""], rows))
    path = measure.store("startup", {"runs": runs, "imports": imports})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
