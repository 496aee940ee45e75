"""The example query of a run: serves what was pushed, asks it over gRPC, and prints the commands that do so."""

import shlex
import subprocess
import sys

import click

from pipeline.config import PipelineConfig
from pnfrec_core import launch


def show(config: PipelineConfig) -> None:
    """Serves the pushed model, sends the configured query over gRPC and prints the commands and the answer."""
    base = str(config.serving_path)
    # -u: the line with the address must not wait in a buffer.
    serve = launch.command("pipeline.cli", "serve", "--base", base, "--port", "0", unbuffered=True)
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            ready = server.stdout.readline().strip() if server.stdout else ""
            if not ready:
                msg = f"The server did not start. Try it by hand: pnfrec serve --base {shlex.quote(base)}"
                raise click.ClickException(msg)
            click.echo(f"\n$ pnfrec serve --base {shlex.quote(base)} --port 0\n{ready}")
            words = [
                word
                for name in ("positive", "negative", "exclude")
                for item in getattr(config.query, name)
                for word in (f"--{name}", item)
            ]
            query = ["query", "--target", ready.split()[0], "--base", base, "-k", str(config.query.k), *words]
            click.echo(f"\n$ pnfrec {shlex.join(query)}")
            answer = subprocess.run(launch.command("pipeline.cli", *query), check=False)
        finally:
            server.terminate()
    if answer.returncode:
        sys.exit(answer.returncode)
