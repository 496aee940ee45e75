"""StatisticsGen's executor, which looks at some files of the training examples where a sample is asked for.

TFX's own draws among the batches that it has read and decoded, which is much of the work. FeedbackGen spreads users
over the files by a hash of their ids, so that some of the files are a random sample of the users, and the others need
not be opened.
"""

import copy
import fnmatch
import json
import logging
import math
import os
from collections.abc import Sequence
from typing import Any

from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.statistics_gen import executor
from tfx.components.util import examples_utils
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

_RATES = standard_component_specs.SAMPLE_RATE_BY_SPLIT_KEY
_LAST = "data_tfrecord-*{}-of-*"
_ALL = "*"
log = logging.getLogger(__name__)


def choose(names: Sequence[str], rate: float) -> tuple[str, int]:
    """A pattern of the fewest files that are at least a share of all, and how many it finds.

    A pattern is all that TFX can be told, and one cannot name any number of files: of 20 it names 1 to 10, 12, 14, 16,
    18 or all, of 1,000 each number up to 10, each ten up to 100 and each hundred. What is chosen is the same each time.

    Args:
        names: Of the files of a split, as FeedbackGen names them.
        rate: The share, above 0 and below 1.
    """
    wanted = math.ceil(round(rate * len(names), 9))
    endings = [f"{'0' * zeros}[0-{last}]" for zeros in range(5) for last in range(10)]
    patterns = [_LAST.format(ending) for ending in endings]
    found = [(len(fnmatch.filter(names, pattern)), pattern) for pattern in patterns]
    enough = [(count, pattern) for count, pattern in found if count >= wanted]
    count, pattern = min(enough, default=(len(names), _ALL))
    return pattern, count


class Executor(executor.Executor):  # type: ignore[misc]
    """TFX's, which draws files in the place of batches."""

    def Do(  # noqa: N802 (named by TFX)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Computes the statistics of each split.

        Args:
            input_dict: `examples`, of FeedbackGen.
            output_dict: `statistics`, which keeps by split the share of the files that was looked at.
            exec_properties: `sample_rate_by_split`, and what else TFX's own takes.
        """
        asked: dict[str, float] = json.loads(exec_properties[_RATES])
        whole = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        patterns, shares = {}, {}
        for split in artifact_utils.decode_split_names(whole.split_names):
            names = _names(artifact_utils.get_split_uri([whole], split))
            pattern, count = choose(names, asked[split]) if split in asked else (_ALL, len(names))
            log.info("Of split %s %d of %d files are looked at: %s.", split, count, len(names), pattern)
            patterns[split] = os.path.join(f"Split-{split}", pattern)
            shares[split] = count / len(names) if names else 1.0
        some = copy.deepcopy(whole)
        some.set_string_custom_property(*examples_utils.get_custom_split_patterns_key_and_property(patterns))
        read = {**input_dict, standard_component_specs.EXAMPLES_KEY: [some]}
        super().Do(read, output_dict, {name: value for name, value in exec_properties.items() if name != _RATES})
        told = artifact_utils.get_single_instance(output_dict[standard_component_specs.STATISTICS_KEY])
        told.set_json_value_custom_property(executor.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(shares))


def _names(folder: str) -> list[str]:
    (found,) = FileSystems.match([FileSystems.join(folder, "*")])
    return sorted(os.path.basename(metadata.path) for metadata in found.metadata_list)
