"""A models.config, in TensorFlow Serving's text form: which models a server has, and which versions of each."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format

from serving import wire
from serving.errors import ServerStartError
from serving.file_changes import Followed
from serving.policy import Policy

logger = logging.getLogger(__name__)

_PLATFORMS: Final = ("", "tensorflow")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model of a server.

    Attributes:
        name: As requests name it.
        base: Its serving folder.
        policy: Which versions are loaded.
    """

    name: str
    base: Path
    policy: Policy = Policy()  # noqa: RUF009 (frozen)


class ModelConfigFile:
    """A models.config that is read again when it changes: what it says of versions and labels counts at the next look.

    A changed file that cannot be used, or that names other models or folders, leaves all as it was, and is told once.

    Args:
        path: The file.
        canary_share: Of every model, since such a file has no word for it.

    Raises:
        ServerStartError: The file cannot be used.
    """

    def __init__(self, path: str | Path, canary_share: float = 0.0) -> None:
        self._path = Path(path)
        self._canary_share = canary_share
        try:
            self.models = read_models(self._path, canary_share)
            self._followed = Followed([path], self._read, "The models stay as they were")
        except (OSError, ValueError) as error:
            msg = f"The server cannot use `model_config_file`: {error}"
            raise ServerStartError(msg) from error

    def policy(self, name: str) -> Policy:
        """What the file says of a model now."""
        if self._followed.refresh():
            logger.info("Read %s anew.", self._path)
        return self._followed.held[name].policy

    def _read(self) -> dict[str, ModelConfig]:
        found = read_models(self._path, self._canary_share)
        if {name: model.base for name, model in found.items()} != {
            name: model.base for name, model in self.models.items()
        }:
            msg = f"{self._path} names other models or folders, which count after a restart of the server."
            raise ValueError(msg)
        return found


def read_models(path: Path, canary_share: float = 0.0) -> dict[str, ModelConfig]:
    """The models of a file, by name.

    Args:
        path: The file. A relative `base_path` counts from its folder.
        canary_share: Of every model.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is none, holds no model, or asks for what this server does not do; the message names the field.
    """
    try:
        config = text_format.Parse(path.read_text(encoding="utf-8"), wire.ModelServerConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        msg = (
            f"{path}: {error}. Expected `model_config_list {{ config {{ name: ... base_path: ... }} }}`, in which this "
            "server knows name, base_path, model_platform, model_version_policy and version_labels."
        )
        raise ValueError(msg) from error
    found: dict[str, ModelConfig] = {}
    for place, entry in enumerate(config.model_config_list.config, 1):
        where = f"{path}, model {place} ({entry.name!r})"
        _check(entry, where, found)
        policy = _policy(entry.model_version_policy, where)
        labels = {label: int(version) for label, version in entry.version_labels.items()}
        base = path.resolve().parent / entry.base_path
        found[entry.name] = ModelConfig(
            entry.name, base, dataclasses.replace(policy, labels=labels, canary_share=canary_share)
        )
    if not found:
        msg = f"{path}: names no model. Write one `config {{ ... }}` a model into `model_config_list {{ }}`."
        raise ValueError(msg)
    return found


def _check(entry: Any, where: str, found: Mapping[str, ModelConfig]) -> None:
    for field in ("name", "base_path"):
        if not getattr(entry, field):
            msg = f"{where}: `{field}` is missing or empty."
            raise ValueError(msg)
    if entry.name in found:
        msg = f"{where}: another model has this `name` already. Give each its own."
        raise ValueError(msg)
    if "://" in entry.base_path:
        msg = f"{where}: `base_path` must be a folder of this machine. Received: {entry.base_path!r}."
        raise ValueError(msg)
    if entry.model_platform not in _PLATFORMS:
        msg = f'{where}: `model_platform` must be "tensorflow". Received: {entry.model_platform!r}.'
        raise ValueError(msg)


def _policy(policy: Any, where: str) -> Policy:
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return Policy(latest=0)
    if kind == "specific":
        versions = tuple(map(int, policy.specific.versions))
        if not versions:
            msg = (
                f"{where}: `model_version_policy` is `specific` and names no version. Write `versions: N`, one or more."
            )
            raise ValueError(msg)
        if min(versions) < 0:
            msg = f"{where}: a version is a number of 0 or more. Received: {min(versions)}."
            raise ValueError(msg)
        return Policy(specific=versions)
    if kind == "latest":
        if policy.latest.num_versions < 1:
            msg = f"{where}: `latest` needs `num_versions`, 1 or more."
            raise ValueError(msg)
        return Policy(latest=int(policy.latest.num_versions))
    return Policy()
