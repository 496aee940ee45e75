"""Talks to the API of Kubeflow Pipelines by its own client, `kfp`."""

import contextlib
import dataclasses
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pipeline.config import PipelineConfig
from pipeline.kubeflow.compiler import Compiled, write
from pipeline.kubeflow.missing import kfp_is_needed
from pipeline.kubeflow.spec import NEVER_RETRIED
from pnfrec_core.settings.errors import ConfigError

# A bearer token for the API, where the cluster asks for one.
TOKEN: Final = "PNFREC_KUBEFLOW_TOKEN"
# The client's own name for the address.
_ENDPOINT: Final = "KF_PIPELINES_ENDPOINT"
REFUSES: Final = NEVER_RETRIED[-1]
_ENDED: Final = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
# Of what a server says: some answer with a page.
_MOST_LETTERS: Final = 300
# Seconds that an answer may take, four times: kfp's client waits for ever.
_TIMEOUT_S: Final = 15


class ApiError(RuntimeError):
    """The API did not answer, or refused."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A node of a run.

    Attributes:
        name: As in the pipeline.
        state: Of Kubeflow, such as "SUCCEEDED"; "" where it has not begun.
        error: What Kubeflow says of a failure; "" for nothing.
    """

    name: str
    state: str
    error: str


@dataclasses.dataclass(frozen=True)
class Status:
    """How a run stands.

    Attributes:
        name: Of the run.
        state: Of Kubeflow, such as "RUNNING".
        error: What Kubeflow says of a failure; "" for nothing.
        nodes: In the order in which they begin.
    """

    name: str
    state: str
    error: str
    nodes: list[Node]

    @property
    def has_ended(self) -> bool:
        return self.state in _ENDED

    @property
    def is_refused(self) -> bool:
        """Whether the gate refused the model, and that alone ended the run."""
        failed = [node.name for node in self.nodes if node.state == "FAILED"]
        return self.state == "FAILED" and failed == [REFUSES]


def host_of(config: PipelineConfig) -> str:
    """The address of the API.

    Raises:
        ConfigError: There is none.
    """
    host = config.kubeflow.host or os.environ.get(_ENDPOINT, "")
    if not host:
        msg = (
            f"`kubeflow.host` is empty, and so is {_ENDPOINT}: name the address of the API, such as "
            "http://localhost:8080 after `kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80`."
        )
        raise ConfigError(msg)
    return host


class Api:
    """The API of a cluster.

    Args:
        config: With the section `kubeflow`.

    Raises:
        ConfigError: It names no address.
        MissingKfpError: The extra `kfp` is not installed.
        ApiError: The API does not answer.
    """

    def __init__(self, config: PipelineConfig) -> None:
        self.host = host_of(config)
        self._config = config.kubeflow
        self._name = config.name
        kfp_is_needed()
        with self._asking():
            from pipeline.kubeflow.asking import make_client

            self._client = make_client(
                self.host, self._config.namespace or "kubeflow", os.environ.get(TOKEN) or None, _TIMEOUT_S
            )

    def submit(self, compiled: Compiled, name: str) -> str:
        """Starts a run of a compiled pipeline; returns its id.

        Args:
            compiled: The pipeline.
            name: Of the run.
        """
        with _package(compiled) as package, self._asking():
            found = self._client.create_run_from_pipeline_package(
                package,
                run_name=name,
                experiment_name=self._config.experiment or self._name,
                namespace=self._config.namespace or None,
                pipeline_root=self._config.root or None,
            )
            return _told(found.run_id)

    def schedule(self, compiled: Compiled, name: str, cron: str) -> str:
        """Has a compiled pipeline run again and again; returns the id of the recurring run.

        Args:
            compiled: The pipeline.
            name: Of the recurring run.
            cron: When, six fields from seconds on, such as "0 0 5 * * *".
        """
        namespace = self._config.namespace or None
        with _package(compiled) as package, self._asking():
            experiment = self._client.create_experiment(self._config.experiment or self._name, namespace=namespace)
            found = self._client.create_recurring_run(
                experiment_id=experiment.experiment_id,
                job_name=name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                pipeline_package_path=package,
                pipeline_root=self._config.root or None,
            )
            return _told(found.recurring_run_id)

    def status(self, run: str) -> Status:
        """How a run stands."""
        with self._asking():
            found = self._client.get_run(run_id=run)
            _told(found.run_id)
            spec = found.pipeline_spec or {}
            names = _tasks(spec.get("pipeline_spec", spec))
            details = (found.run_details.task_details if found.run_details else None) or []
            begun = {each.display_name: each for each in details if each.display_name in names or not names}
            nodes = [Node(str(name), each.state or "", _message(each.error)) for name, each in begun.items()]
            nodes += [Node(name, "", "") for name in names if name not in begun]
            return Status(found.display_name or run, found.state or "", _message(found.error), nodes)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Makes one sentence of what goes wrong; what the client prints is left out."""
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            import kfp_server_api
            import urllib3

            try:
                yield
            except kfp_server_api.ApiException as error:
                raise ApiError(self._refused(error)) from error
            except urllib3.exceptions.HTTPError as error:
                msg = (
                    f"The API at {self.host} does not answer. Is the address right, and does a `kubectl port-forward` "
                    f"run? ({type(error).__name__})"
                )
                raise ApiError(msg) from error
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                # The client takes what comes for an answer, and stumbles over what it lacks.
                msg = (
                    f"What answers at {self.host} is not the API of Kubeflow Pipelines 2, or asks for a login. Look at "
                    f"`kubeflow.host`, and at the variable {TOKEN}. ({type(error).__name__}: {_short(error)})"
                )
                raise ApiError(msg) from error

    def _refused(self, error: Any) -> str:
        msg = f"The API at {self.host} refused ({error.status}): {_short(error.body or error.reason)}"
        if error.status in (401, 403):
            return f"{msg} Put a token that may do that into the variable {TOKEN}."
        return msg


@contextlib.contextmanager
def _package(compiled: Compiled) -> Iterator[str]:
    """A file of a compiled pipeline, for as long as the client reads it."""
    with tempfile.TemporaryDirectory(prefix="pnfrec-kubeflow-") as folder:
        path = Path(folder) / "pipeline.yaml"
        write(compiled, path)
        yield str(path)


def _tasks(spec: dict[str, Any]) -> list[str]:
    return list(spec.get("root", {}).get("dag", {}).get("tasks", {}))


def _told(key: Any) -> str:
    """The id in an answer."""
    if not key:
        msg = "the answer has no id"
        raise ValueError(msg)
    return str(key)


def _short(text: Any) -> str:
    """The beginning of what a server or a library says, in one line."""
    found = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).split())
    return found if len(found) <= _MOST_LETTERS else f"{found[:_MOST_LETTERS]}..."


def _message(error: Any) -> str:
    return str(error.message or "") if error else ""
