"""What to say where the client of Kubeflow Pipelines is not installed."""

import importlib.util


class MissingKfpError(RuntimeError):
    """The extra `kfp` is not installed."""


def kfp_is_needed() -> None:
    """Raises a MissingKfpError that names the extra, unless kfp is there."""
    if importlib.util.find_spec("kfp") is None:
        msg = (
            "kfp, the client of Kubeflow Pipelines, is not installed. Install the extra `kfp` beside `pipeline`: "
            "pip install '.[pipeline,kfp]' -c requirements/<lane>.txt"
        )
        raise MissingKfpError(msg)
