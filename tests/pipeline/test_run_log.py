"""The log of a run: what is kept of ours, and of libraries.

The libraries are made up: the logger of a real one has the level that whoever imported it before has set.
"""

import logging
from collections.abc import Iterator

import pytest

from pipeline import run_log

PROTOBUF = 'Running launcher for node_info {\n  type {\n    name: "Trainer"\n  }\n}\n'


@pytest.fixture
def records() -> Iterator[list[str]]:
    """Messages that pass the filter, of any logger."""
    passed: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            passed.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    handler = Keep()
    handler.addFilter(run_log.Shortened())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield passed
    root.removeHandler(handler)
    root.setLevel(level)


def test_texts_of_libraries_are_cut_to_their_first_line(records: list[str]) -> None:
    logging.getLogger("a_library").info(PROTOBUF)
    logging.getLogger("a_library").info("Component %s is running.", "Trainer")
    logging.getLogger("a_library").info("x" * 1310)
    assert records == [
        "INFO a_library: Running launcher for node_info { (4 more lines; PNFREC_LOG=full keeps it)",
        "INFO a_library: Component Trainer is running.",
        f"INFO a_library: {'x' * 300} (1,010 more characters; PNFREC_LOG=full keeps it)",
    ]


def test_a_library_says_the_same_only_once(records: list[str]) -> None:
    for _ in range(3):
        logging.getLogger("a_library").info("MetadataStore with DB connection initialized")
        logging.getLogger("a_library").warning("property_predicate is\nnot supported.")
        logging.getLogger("another_library").warning("property_predicate is\nnot supported.")
    assert records == [
        "INFO a_library: MetadataStore with DB connection initialized",
        "WARNING a_library: property_predicate is\nnot supported.",
        "WARNING another_library: property_predicate is\nnot supported.",
    ]


@pytest.mark.parametrize("name", ["components.trainer.run_fn", "pipeline.run", "pnfrec_keras.training", "__main__"])
def test_our_own_lines_stay_whole(records: list[str], name: str) -> None:
    for _ in range(2):
        logging.getLogger(name).info("Report of the gate:\n%s", "x" * 400)
    assert records == [f"INFO {name}: Report of the gate:\n{'x' * 400}"] * 2


def test_errors_and_tracebacks_stay_whole(records: list[str]) -> None:
    for _ in range(2):
        logging.getLogger("a_library").error("Execution 6\nfailed.")
        try:
            raise ValueError
        except ValueError:
            logging.getLogger("a_library").info("Retrying\nonce.", exc_info=True)
    assert records == ["ERROR a_library: Execution 6\nfailed.", "INFO a_library: Retrying\nonce."] * 2


@pytest.mark.parametrize(("value", "expected"), [(None, 1), ("full", 0)])
def test_everything_is_logged_on_request(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: int) -> None:
    handler = logging.StreamHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.delenv(run_log.CONTROL, raising=False)
    if value is not None:
        monkeypatch.setenv(run_log.CONTROL, value)
    run_log.set_up()
    assert len(handler.filters) == expected
