"""Where Kubeflow's launcher mirrors artifacts of a store: TensorFlow and TFX know neither minio:// nor s3://.

Before a node starts, the launcher copies its inputs into folders of the container; afterwards it copies what lies in
those of the outputs to the store.
"""

import os
from typing import Final

# Of each scheme, the folder in the root of the container.
_FOLDERS: Final = {"minio": "minio", "s3": "s3", "gs": "gcs"}
# Another root than that of the file system, for tests.
_ROOT: Final = "PNFREC_KUBEFLOW_ROOT"


def local_path(uri: str) -> str:
    """The folder that the launcher mirrors a URI in; one of another scheme stays as it is.

    >>> local_path("minio://mlpipeline/v2/artifacts/x")
    '/minio/mlpipeline/v2/artifacts/x'
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in _FOLDERS:
        return uri
    return os.path.join(os.environ.get(_ROOT, "/"), _FOLDERS[scheme], rest)
