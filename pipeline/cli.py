"""The `pnfrec` command. Each subcommand is imported when it is called, so that help answers at once."""

import importlib
from typing import Any

import click

# Name to (module, attribute, one line for the help).
_COMMANDS = {
    "run": ("pipeline.run", "run", "Run a pipeline: feedback, training, gate, push."),
    "daily": ("pipeline.daily_command", "daily", "Run a pipeline as the job of a day: one line of status at the end."),
    "history": (
        "pipeline.history.command",
        "history",
        "Show the last runs: verdicts, measures, data, versions.",
    ),
    "check": ("pipeline.check_command", "check", "Check all that a run needs, and show the first rows."),
    "config": ("pipeline.config_command", "config", "Print every setting with its meaning, or those of a file."),
    "experiment": (
        "studies.commands.experiment",
        "experiment",
        "Run a study: trainings, compared with intervals.",
    ),
    "compare": ("studies.commands.compare", "compare", "Compare the arms of a finished study with any of its arms."),
    "data": ("pnfrec_data.command", "data", "Get public data sets: list, fetch, prepare."),
    "results": ("studies.commands.collection", "results", "Write the document of all studies' results."),
    "serve": ("serving.commands", "serve", "Serve pushed models over gRPC, as TensorFlow Serving does."),
    "models": ("pipeline.models_command", "models", "Decide which version serves: list, pin, label, roll back."),
    "query": ("serving.commands", "query", "Ask a server for recommendations."),
    "recommend": ("pipeline.recommend_command", "recommend", "Write lists for every user of the feedback, as files."),
    "kubeflow": ("pipeline.kubeflow.command", "kubeflow", "Run the pipeline on Kubeflow: compile, submit, status."),
    "health": ("serving.commands", "health", "Tell whether a server answers with a model, for probes."),
    "doctor": ("pipeline.doctor", "doctor", "Check what this installation has and lacks."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, description) for name, (_, _, description) in _COMMANDS.items()])


def _version(ctx: click.Context, parameter: Any, value: bool) -> None:
    del parameter
    if value and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"pnfrec {metadata.version('pnfrec')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def main() -> None:
    """Recommenders that learn from what people dislike too: training, gate and serving of PNFRec."""


if __name__ == "__main__":
    main()
