from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.components.gate.runs import EvaluatorRuns


@pytest.fixture(scope="session")
def evaluator_runs(tmp_path_factory: pytest.TempPathFactory) -> "EvaluatorRuns":
    """Runs of the stock Evaluator, shared by the tests of the metrics and of the report."""
    # Not above: TFX takes half a minute to import, and most tests of components do without it.
    from tests.components.gate.runs import EvaluatorRuns

    return EvaluatorRuns(tmp_path_factory.mktemp("evaluator"))
