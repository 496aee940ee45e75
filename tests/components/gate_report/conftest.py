import pytest

from tests.components.evaluation.runs import EvaluatorRuns


@pytest.fixture(scope="session")
def evaluator_runs(tmp_path_factory: pytest.TempPathFactory) -> EvaluatorRuns:
    return EvaluatorRuns(tmp_path_factory.mktemp("evaluator_for_report"))
