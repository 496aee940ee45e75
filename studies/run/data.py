"""Prepared data of a study: FeedbackGen's output, made once for each set of feedback settings."""

import dataclasses
import warnings
from pathlib import Path

from pipeline.config import PipelineConfig
from pnfrec_core.locks import making
from pnfrec_core.provenance import result_name
from studies.run.origin import EXAMPLES, digest_of


def prepared(config: PipelineConfig, folder: Path) -> Path:
    """The folder of examples and vocabulary for `config.feedback`, made now unless it is there.

    Raises:
        FeedbackError: The input or its settings cannot be used.
    """
    feedback = config.feedback
    patterns = [*feedback.patterns, *([feedback.titles.file] if feedback.titles is not None else [])]
    data = " ".join(digest_of(feedback.base, [pattern]) for pattern in patterns)
    # Not the folder that the files lie in: what they hold counts.
    settings = {name: value for name, value in dataclasses.asdict(feedback).items() if name != "base"}
    target = folder / result_name(code=EXAMPLES.digest(), data=data, settings=settings)[:12]
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # Of Beam's Google client libraries, which are not used here.
            warnings.simplefilter("ignore")
            from components.feedback.run import generate
        # Two studies of one data set may begin at once.
        with making(target):
            if not target.is_dir():
                generate(feedback, target, config.beam.arguments())
    return target
