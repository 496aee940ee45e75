"""Says what Beam makes of options: a line of JSON, `unknown` (name to the nearest known one, "" for none) and `error`.

A process of its own, since Beam takes seconds to import, and ends the process where a value cannot be used.
"""

import contextlib
import difflib
import io
import json
import logging
import sys
from collections.abc import Sequence

import click


def look_at(arguments: Sequence[str]) -> dict[str, object]:
    """The names that Beam's Python part does not know, and what it says of values; "" where it takes them all."""
    from apache_beam.options.pipeline_options import PipelineOptions

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            options = PipelineOptions(list(arguments))
            known = options.get_all_options()
            taken = options.get_all_options(retain_unknown_options=True)
    except SystemExit:
        return {"unknown": {}, "error": said.getvalue().strip().splitlines()[-1].partition("error: ")[2]}
    unknown = {
        name: next(iter(difflib.get_close_matches(name, list(known), n=1)), "") for name in taken if name not in known
    }
    return {"unknown": unknown, "error": ""}


if __name__ == "__main__":
    logging.disable()  # Beam warns of unknown names, which are told here
    click.echo(json.dumps(look_at(sys.argv[1:])))
