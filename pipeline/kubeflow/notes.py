"""What is worth knowing of a configuration that compiles."""

from collections.abc import Iterator

from pipeline.kubeflow.config import KubeflowConfig

_LATEST = "latest"


def notes(config: KubeflowConfig) -> Iterator[str]:
    """A sentence each.

    Args:
        config: The section `kubeflow`.
    """
    named = {"kubeflow.image": config.image}
    named |= {f"kubeflow.resources.{node}.image": found.image for node, found in config.resources.items()}
    for key, image in named.items():
        if image and _is_open(image):
            yield (
                f"`{key}` ({image}) has no tag that stays: the registry may give each node, and each run, another "
                "image under it, with other code, while the spec stays the same. Name a tag that is used once, such as "
                f"{image.removesuffix(':' + _LATEST)}:1, or a digest."
            )


def _is_open(image: str) -> bool:
    """Whether the image is whatever its registry has newest."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", _LATEST)
