"""Writes the gate's report from the Evaluator's artifacts."""

import logging
import os
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.gate import config
from components.gate.card import card, markdown, page, read
from components.gate.gone import places_of
from components.gate.model_ranking import asks_dislikes
from components.gate.report import content, html, judge, render, results, verdict
from pnfrec_core import versions

_LOGGER = logging.getLogger(__name__)


class Executor(base_executor.BaseExecutor):
    """Executor of `GateReporter`."""

    def Do(  # noqa: N802 (TFX calls it so)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `report.json`, `report.txt`, `report.html` and the model card, and logs the text.

        Args:
            input_dict: Artifacts by key.
                - evaluation: Results of the Evaluator.
                - blessing: Its blessing.
                - model: The model under test.
                - baseline_model: The last blessed model; absent or empty where there is none.
                - baseline_blessing: Its blessing; also there where the model cannot be compared.
                - gone_baselines: Models blessed later, whose files are gone; absent or empty where there are none.
                - statistics: Statistics of the feedback, for the card; absent or empty where nobody wired them.
            output_dict: Artifacts by key.
                - report: The folder to write to.
            exec_properties: Settings by key.
                - gate: JSON of `GateConfig`.

        Raises:
            RuntimeError: The report and the blessing contradict each other (the report is written all the same).
        """
        gate = config.gate_from_json(exec_properties["gate"])
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        baselines, statistics = input_dict.get("baseline_model") or [], input_dict.get("statistics") or []
        account = read.read_statistics(statistics)
        built = judge.build_report(
            gate,
            results.read_evaluation(evaluation, has_baseline=bool(baselines)),
            read_blessing(blessing),
            model=artifact_utils.get_single_uri(input_dict["model"]),
            baseline_model=artifact_utils.get_single_uri(baselines) if baselines else "",
            baseline_is_left_out=bool(input_dict.get("baseline_blessing")) and not baselines,
            gone_baselines=tuple(
                place for model in input_dict.get("gone_baselines") or [] for place in places_of(model)
            ),
            default_list_is_another=asks_dislikes(artifact_utils.get_single_instance(input_dict["model"])),
            response=results.read_response(evaluation),
            at_random=results.read_random(evaluation),
            successive_targets=account.get("targets") == "successive",
            threshold=account.get("positive", {}).get("threshold"),
        )
        text = render.to_text(built)
        folder = artifact_utils.get_single_uri(output_dict["report"])
        io_utils.write_string_file(os.path.join(folder, verdict.REPORT_JSON), content.to_json(built))
        io_utils.write_string_file(os.path.join(folder, verdict.REPORT_TEXT), text)
        io_utils.write_string_file(os.path.join(folder, verdict.REPORT_HTML), html.to_html(built))
        sources = read.read_sources(built, artifact_utils.get_single_instance(input_dict["model"]), statistics)
        made = card.make_card(sources)
        io_utils.write_string_file(os.path.join(folder, versions.CARD_TEXT), markdown.to_markdown(made))
        io_utils.write_string_file(os.path.join(folder, versions.CARD_HTML), page.to_html(made))
        _LOGGER.info("Report of the gate, also in %s:\n%s", folder, text)
        if not built.agrees:
            msg = f"{built.headline} {built.notes[0]} The report is in {folder}."
            raise RuntimeError(msg)


def read_blessing(blessing: types.Artifact) -> bool | None:
    """Whether TFX blessed the model; None where the Evaluator wrote no verdict.

    The Pusher reads the artifact's property, people read the file: they must say the same.
    """
    by_file = {
        name: bool(fileio.exists(os.path.join(blessing.uri, name)))
        for name in (constants.BLESSED_FILE_NAME, constants.NOT_BLESSED_FILE_NAME)
    }
    if not any(by_file.values()):
        return None
    blessed = by_file[constants.BLESSED_FILE_NAME]
    if all(by_file.values()) or blessed != model_utils.is_model_blessed(blessing):
        msg = f"The blessing in {blessing.uri} contradicts itself: its files and its property `blessed` differ."
        raise RuntimeError(msg)
    return blessed
