"""The page of a study: pictures, tables and what was run, in one HTML file without scripts or outside resources."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def build(folder: Path) -> Path:
    """Writes `page.html` from `summary.json`, `epochs.csv` and `lengths.csv` in the folder; the tables may be absent.

    Raises:
        SummaryError: The summary cannot be used.
    """
    from pnfrec_core.files import write
    from studies.outputs import EPOCHS, LENGTHS, PAGE, SUMMARY
    from studies.page import html, pictures
    from studies.results.summary import read

    summary = read(folder / SUMMARY)
    drawn = [
        *pictures.of_results(summary),
        *pictures.of_training(summary, _table(folder / EPOCHS), _table(folder / LENGTHS)),
    ]
    write(folder / PAGE, html.to_html(summary, drawn))
    return folder / PAGE


def _table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_csv(path)
    except (FileNotFoundError, pd.errors.EmptyDataError):
        table = pd.DataFrame()
    return table
