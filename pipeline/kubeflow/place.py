"""The configuration as a cluster has to read it: its own folders in the place of this machine's."""

import dataclasses
import os
import posixpath
import re
from typing import Final

from components.feedback.config import FeedbackConfig
from components.feedback.events import with_paths
from components.feedback.reading.files import is_remote
from pipeline.config import PipelineConfig
from pipeline.paths import STORES, scheme_of
from pnfrec_core.settings.errors import ConfigError

# What KFP takes for the name of a pipeline; `PipelineConfig` bounds its length.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


def at_the_cluster(config: PipelineConfig, mounts: tuple[str, ...] = ()) -> PipelineConfig:
    """The configuration with the paths of the cluster, and a name that Kubeflow takes.

    Args:
        config: As it is read on this machine.
        mounts: Folders that every node of the cluster has, beside `kubeflow.volumes`.

    Raises:
        ConfigError: A setting is missing, or a folder lies in no volume; the message has a sentence for each.
    """
    found = config.kubeflow
    problems = []
    name = config.name.lower().replace("_", "-")
    if not _NAME.fullmatch(name):
        problems.append(
            f"`name`: Kubeflow's names begin with a letter or digit, and hold letters from a to z, digits, '-' and '_' "
            f"only. Received: {config.name!r}."
        )
    if not found.image:
        problems.append("`kubeflow.image` is empty: name the image that the nodes run in.")
    base = found.feedback or (config.feedback.base if is_remote(config.feedback.base) else "")
    if not base:
        problems.append(
            "`kubeflow.feedback` is empty: name the folder that the cluster has the feedback files in, a path in one "
            "of `kubeflow.volumes` or a URI."
        )
    elif problem := _unreadable(base):
        problems.append(problem)
        base = ""
    mounts = (*mounts, *found.volumes.values())
    for key, path in (("folder", found.folder), ("serving", found.serving), ("feedback", base)):
        if path and not is_remote(path) and not any(_is_below(path, mount) for mount in mounts):
            problems.append(
                f"`kubeflow.{key}` ({path}) lies in none of `kubeflow.volumes`, so that it would be gone with the "
                f"container. Mount a PersistentVolumeClaim there: `volumes: {{my-claim: {path}}}`."
            )
    feedback = _feedback(config.feedback, base, mounts, problems)
    if problems:
        raise ConfigError("\n  ".join(["the configuration cannot be compiled for Kubeflow:", *problems]))
    return dataclasses.replace(
        config,
        name=name,
        output=found.folder,
        serving=found.serving_folder,
        feedback=feedback,
        cache=found.cache,
    )


def _unreadable(base: str) -> str:
    """Why no node can read feedback from there, whatever lies in it; "" where one can."""
    if scheme_of(base) not in ("", *STORES):
        stores = ", ".join(f"{name}://" for name in STORES)
        return (
            f"`kubeflow.feedback`: {base} cannot be read on a node. Name a path in one of `kubeflow.volumes`, or a URI "
            f"of a store that Beam opens ({stores})."
        )
    if not scheme_of(base) and not (posixpath.isabs(base) and posixpath.normpath(base) == base.rstrip("/")):
        return (
            "`kubeflow.feedback` must be a path from the root of a node's file system, such as /data, without `..`, or "
            f"a URI. Received: {base!r}."
        )
    return ""


def _is_below(path: str, folder: str) -> bool:
    return posixpath.commonpath([path, folder]) == posixpath.normpath(folder)


def _leads_out(base: str, path: str, mounts: tuple[str, ...]) -> bool:
    """Whether a relative path ends where no node finds anything."""
    if is_remote(base):
        return posixpath.normpath(path).startswith("..")
    found = posixpath.normpath(posixpath.join(base, path))
    return posixpath.normpath(path).startswith("..") and not any(_is_below(found, mount) for mount in mounts)


def _feedback(config: FeedbackConfig, base: str, mounts: tuple[str, ...], problems: list[str]) -> FeedbackConfig:
    def there(path: str, key: str) -> str:
        if is_remote(path):
            return path
        if not os.path.isabs(path):
            if base and _leads_out(base, path, mounts):
                problems.append(
                    f"`{key}`: {path} leads out of `feedback.base`, which is `kubeflow.feedback` ({base}) on the "
                    "cluster, to where no node has a volume. Name files below the base, or a base above them."
                )
            return path
        if not is_remote(config.base) and _is_below(path, config.base):
            return os.path.relpath(path, config.base)
        problems.append(
            f"`{key}`: {path} is a path of this machine. Give it relative to `feedback.base`, which is "
            "`kubeflow.feedback` on the cluster."
        )
        return path

    titles = config.titles
    if titles is not None:
        titles = dataclasses.replace(titles, file=there(titles.file, "feedback.titles.file"))
    keep = config.keep_read
    if not keep.folder or not any(_is_below(keep.folder, mount) for mount in mounts):
        # The place of artifacts is a store, and what a container keeps outside of volumes is gone with the container.
        keep = dataclasses.replace(keep, mode="never", folder="")
    return with_paths(dataclasses.replace(config, base=base, titles=titles, keep_read=keep), there)
