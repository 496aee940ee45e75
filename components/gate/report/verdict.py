"""Reads the verdict of a finished run. Imports neither TFX nor TensorFlow, so that the command line answers at once."""

import pathlib

from components.gate.report import content

REPORT_JSON = "report.json"
REPORT_TEXT = "report.txt"
REPORT_HTML = "report.html"


def read(path: str | pathlib.Path) -> content.Report:
    """The report in `path`: the folder of a `GateReport` artifact, or its `report.json`.

    Raises:
        FileNotFoundError: There is none.
        ValueError: The file is no report.
    """
    place = pathlib.Path(path)
    file = place / REPORT_JSON if place.is_dir() else place
    if not file.is_file():
        msg = f"There is no report of the gate at {file}. It is written by a run that reached GateReporter."
        raise FileNotFoundError(msg)
    return content.from_json(file.read_text(encoding="utf-8"))
