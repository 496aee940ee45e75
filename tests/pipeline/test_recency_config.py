"""What counts days is asked for by one section, and depends on others."""

from pathlib import Path

import pytest

from pipeline.config import ConfigError, load_config

CONFIG = Path(__file__).parents[2] / "configs" / "movietweetings.yaml"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["export.recency=1"], r"`export.recency` \(1.0\) .* set `feedback.recent_days`, such as 14"),
        (["export.recency=-1", "feedback.recent_days=7"], "`export.recency` must be 0 or more"),
        (["feedback.recent_days=-1"], "`feedback.recent_days` must be 0 or more"),
        (["feedback.recent_days=7", "feedback.split=leave_one_out"], "leave_one_out has none"),
        (["feedback.recent_days=7", "export.recency=1", "export.index=tfrs"], "0 with `export.index: tfrs`"),
        (["feedback.recent_days=7", "feedback.time_unit=order"], "`feedback.recent_days` needs moments, and with"),
        (
            ["model.trend_days=14", "feedback.time_unit=order"],
            r"\(14\) counts days, and with `feedback.time_unit: order`",
        ),
    ],
)
def test_what_does_not_go_together(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(CONFIG, overrides)


def test_what_goes_together() -> None:
    config = load_config(CONFIG, ["feedback.recent_days=7", "export.recency=0.5"])
    assert (config.feedback.recent_days, config.export.recency) == (7.0, 0.5)
