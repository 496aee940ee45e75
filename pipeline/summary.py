"""What `pnfrec run` prints at the end: the data, the gate's verdict and the pushed version."""

from collections.abc import Mapping
from pathlib import Path

import click

from components.pusher import properties

Outputs = dict[str, dict[str, str]]


def show(outputs: Outputs, pushed: Mapping[str, object], *, seconds: float) -> bool:
    """Prints the summary of a run that came to its end; returns whether its model is what the serving folder holds.

    Args:
        outputs: Node to output key to URI.
        pushed: What the artifact `pushed_model` says of itself: `components.pusher.properties`.
        seconds: How long the run took.
    """
    from components.gate.report import verdict

    click.echo("\n" + Path(outputs["FeedbackGen"]["statistics"], "summary.txt").read_text(encoding="utf-8").rstrip())
    if tuner := outputs.get("SequenceTuner"):
        results = Path(tuner["tuner_results"])
        click.echo("\n" + (results / "summary.txt").read_text(encoding="utf-8").rstrip())
        click.echo(f"trials: {results / 'trials.csv'}")
    folder = Path(outputs["GateReporter"]["report"])
    report = verdict.read(folder)
    click.echo("\n" + (folder / "report.txt").read_text(encoding="utf-8").rstrip())
    click.echo(f"report: {folder / 'report.html'}")
    if refused := pushed.get(properties.REFUSED):
        click.secho(
            f"\nNOT PUSHED: {str(refused).removeprefix('not pushed: ')}  ({seconds:.0f} s in all)", fg="red", err=True
        )
    elif report.blessed:
        click.secho(f"\n{_pushed(pushed)}  ({seconds:.0f} s in all)", fg="green")
        if serves := pushed.get(properties.SERVES):
            click.echo(f"Judged: the model of the report above. Served: {serves}.")
    else:
        click.secho(
            f"\nNOT BLESSED: nothing was pushed. The reasons are above.  ({seconds:.0f} s in all)", fg="red", err=True
        )
    return bool(report.blessed and not refused)


def _pushed(pushed: Mapping[str, object]) -> str:
    """Which version the model is, by what the Pusher says: another process may have pushed a newer one since."""
    version = pushed.get(properties.DESTINATION)
    if not version:
        msg = "The Pusher did not say which version it pushed. The log of the run may say why."
        raise click.ClickException(msg)
    told = f"Pushed: {version}" if pushed.get(properties.IS_NEW) else f"Nothing new to push: {version} is this model"
    pinned = pushed.get(properties.PINNED)
    if pinned is None or str(pinned) == pushed.get(properties.VERSION):
        return told
    return f"{told}. Version {pinned} is pinned and goes on serving, until `pnfrec models unpin`"
