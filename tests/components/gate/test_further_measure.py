"""A further measure of the gate is one more line of `pnfrec_core.measures`."""

import subprocess
import sys

# Puts the measure "first" (a hit at rank 1) into the source of the module, before anything imports it.
PROGRAM = r"""
import importlib.util, pathlib, sys, types
import pnfrec_core
path = pathlib.Path(pnfrec_core.__file__).with_name("measures.py")
line = '    "mrr": lambda'
source = path.read_text()
assert source.count(line) == 1
module = types.ModuleType("pnfrec_core.measures")
sys.modules[module.__name__] = pnfrec_core.measures = module
exec(source.replace(line, '    "first": lambda ranks: (ranks == 1) * 1.0,\n' + line), module.__dict__)

import numpy as np
from components.gate import config, tally
from components.gate.report import html, judge, render
from components.gate.report.measured import Evaluation, SliceValues

# k = 3. Group n (first row): 3 misses, 1 at rank 2. Group p: 1 miss, 2 at rank 1, 1 at rank 3.
summary = tally.Summary(np.array([[3, 0, 1, 0], [1, 2, 0, 1]]))
values = {name: tally.metric_value(summary, name) for name in module.METRICS} | tally.details(summary)
gate = config.GateConfig({"first_p": config.BoundConfig(min=0.4), "first_n": config.BoundConfig(max=0.1)}, k=3)
evaluation = Evaluation(SliceValues("", "", values, None), (), False, validation_ok=True, failures=())
report = judge.build_report(gate, evaluation, blessing=True)
assert report.agrees
print(report.headline)
print(*(line.split() for line in render.to_text(report).splitlines() if line.startswith("first_")), sep="\n")
assert ">first_delta</td>" in html.to_html(report)
"""


def test_a_further_measure_is_judged_and_reported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "BLESSED: all 2 bounded metrics that could be judged are within their bounds. There was no baseline to compare "
        "with.",
        "['first_p', '0.5000', '0.0000..1.0000', '4', '>=', '0.4', '-', '-', 'ok']",
        "['first_n', '0.0000', '-', '4', '<=', '0.1', '-', '-', 'ok']",
        "['first_delta', '0.5000', '-', '8', '-', '-', 'not', 'judged']",
    ], done.stderr
