"""A new export rule is one new file: settings, export, gate, serving and studies take it by its name."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.config import load_config
from pnfrec_core.settings.errors import ConfigError
from pnfrec_keras.config import check_rule
from pnfrec_keras.evaluation import evaluate
from pnfrec_keras.examples.records import read_evaluation
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.saved_model import export_saved_model
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking import rules
from studies.inference_rule import InferenceRule
from studies.run.inference import choose_gamma, recommender
from studies.study import load_study, trials
from tests.pnfrec_keras.writing import evaluation_example, write_records

CONFIG = Path(__file__).parents[1] / "configs" / "movietweetings.yaml"
ITEMS, LENGTH, K = 20, 6, 5
IDS = [f"i{number:02d}" for number in range(ITEMS)]
VOCABULARY = Vocabulary(IDS, np.arange(ITEMS, 0, -1) + ITEMS, np.roll(np.arange(ITEMS, 0, -1), 7))

FILE = '''
from typing import ClassVar

from pnfrec_keras.ranking.rules.base import Rule, by_row


class Gloom(Rule):
    """Lowers what many have chosen for a user who dislikes much."""

    name: ClassVar[str] = "gloom"
    summary: ClassVar[str] = "It lowers what many have chosen for a user who dislikes much."
    without_dislikes: ClassVar[str] = "Where a query sends no dislikes, it lowers what many have chosen a little."
    needs_dislikes: ClassVar[bool] = True

    def lower(self, scores, gamma, dislikes):
        import tensorflow as tf

        counts = tf.constant([0, *self.vocabulary.counts], tf.float32)
        if dislikes is None:
            return scores - by_row(gamma) * 0.01 * counts
        disliked = tf.cast(dislikes.disliked, tf.float32)
        return scores - by_row(gamma) * 0.1 * disliked[:, None] * counts[None, :]
'''


@pytest.fixture(scope="module", autouse=True)
def made_up_rule(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The file in the package of the rules, and nothing else."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "gloom.py").write_text(FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "__path__", [*rules.__path__, str(folder)])
        rules.registry.cache_clear()
        yield
    rules.registry.cache_clear()
    del sys.modules["pnfrec_keras.ranking.rules.gloom"]


def make_examples() -> list[tuple[list[str], list[str], str, int]]:
    random = np.random.default_rng(5)
    examples = []
    for _ in range(40):
        seen = [IDS[number] for number in random.choice(ITEMS, random.integers(2, 10), replace=False)]
        liked = [item for item in seen if random.random() < 0.6] or seen[:1]
        examples.append((liked, seen, IDS[random.integers(ITEMS)], int(random.random() < 0.5)))
    return examples


@pytest.fixture(scope="module")
def model() -> PNFRec:
    keras.utils.set_random_seed(2)
    made = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=K)
    made.item_embedding.embeddings.assign(made.item_embedding.embeddings * 30)
    return made


def test_settings_take_it_and_messages_name_it() -> None:
    config = load_config(CONFIG, ["export.rule=gloom", "export.gamma=0.5"])
    assert (config.export.rule, config.export.gamma) == ("gloom", 0.5)
    names = "like_rate, popularity, gloom, like_odds, difference, posterior"
    with pytest.raises(ConfigError, match=rf"`export.rule` must be one of {names}. Received: 'glom'"):
        load_config(CONFIG, ["export.rule=glom"])
    with pytest.raises(ConfigError, match=r"SASRec reads one history of both polarities.* or `export.rule: like_rate`"):
        load_config(CONFIG, ["export.rule=gloom", "export.gamma=1", "model.variant=SASRec", "query.negative=[]"])
    with pytest.raises(ValueError, match=r"`export.rule: gloom` counts the likes and the dislikes of a user apart"):
        check_rule("gloom", "SASRec_c", 0.0)


def test_the_command_line_and_the_reference_describe_it() -> None:
    result = CliRunner().invoke(main, ["config", "export.rule"])
    assert result.exit_code == 0
    assert "rule: like_rate  # one of like_rate, popularity, gloom, like_odds, difference, posterior" in result.output
    meaning = " ".join(line.strip(" #") for line in result.output.splitlines())
    assert "gloom: It lowers what many have chosen for a user who dislikes much. Where a query" in meaning


def test_a_study_takes_it(tmp_path: Path) -> None:
    study: dict[str, Any] = {
        "name": "made-up",
        "question": "Does gloom help?",
        "reference": "plain",
        "arms": [{"name": "plain"}, {"name": "gloom", "inference": {"rule": "gloom", "gamma": [1.0]}}],
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    assert {trial.arm.inference.rule for trial in trials(load_study(str(path)), CONFIG, [])} == {"positive", "gloom"}
    study["arms"][1]["inference"]["rule"] = "glom"
    path.write_text(yaml.safe_dump(study))
    names = "positive, like_rate, popularity, gloom, like_odds, difference, posterior"
    with pytest.raises(ConfigError, match=rf"`arms.gloom.inference`: `rule` must be one of {names}. Received: 'glom'"):
        load_study(str(path))


def test_the_gate_serving_and_a_study_rank_by_it_alike(model: PNFRec, tmp_path: Path) -> None:
    gamma, examples = 0.7, make_examples()
    export_saved_model(model, VOCABULARY, tmp_path / "model", rule="gloom", gamma=gamma)
    ranking = json.loads((tmp_path / "model" / "assets.extra" / "ranking.json").read_text())
    assert (ranking["rule"], ranking["gamma"], ranking["asks_dislikes"]) == ("gloom", gamma, True)

    write_records(tmp_path / "data_tfrecord-0.gz", [evaluation_example(*example) for example in examples])
    made = read_evaluation(str(tmp_path / "data_tfrecord-0.gz"), VOCABULARY, LENGTH)
    score = recommender(model, VOCABULARY, InferenceRule("gloom"), gamma)
    ranked = evaluate.rank_all(score, made, K)
    plain = evaluate.rank_all(recommender(model, VOCABULARY, InferenceRule(), 0.0), made, K)
    assert (ranked.rank != plain.rank).sum() > 10, "a rule that changes something"

    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    told = signatures["rank_examples"](examples=tf.constant([evaluation_example(*example) for example in examples]))
    assert told["rank"].numpy().tolist() == ranked.rank.tolist()
    assert told["top_items"].numpy().tolist() == ranked.top.tolist()
    assert told["default_rank"].numpy().tolist() != ranked.rank.tolist()

    scores = np.array(score(made))
    for place, (liked, seen, target, _) in enumerate(examples):
        disliked = [item for item in seen if item not in liked]
        given = {
            "positive_item_ids": tf.constant([liked], tf.string),
            "exclude_item_ids": tf.constant([disliked], tf.string, shape=[1, len(disliked)]),
            "k": tf.constant([ITEMS]),
        }
        by_default = rank_of(target, signatures["serving_default"](**given))
        assert by_default == told["default_rank"].numpy()[place]
        negative, own = given["exclude_item_ids"], tf.constant([float("nan")])
        answer = signatures["with_negatives"](**given, negative_item_ids=negative, gamma=own)
        assert rank_of(target, answer) == ranked.rank[place]
        listed = [IDS.index(item.decode()) + 1 for item in answer["item_ids"].numpy()[0] if item]
        found, expected = answer["scores"].numpy()[0][: len(listed)], scores[place, listed]
        # A score near 0 is a sum of `dim` products and of the rule: each addition rounds in the scale of the largest.
        rounding = np.finfo(np.float32).eps * (model.config.dim + 1) * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=rounding)


def test_a_study_chooses_its_weight(model: PNFRec, tmp_path: Path) -> None:
    write_records(tmp_path / "data_tfrecord-0.gz", [evaluation_example(*example) for example in make_examples()])
    made = read_evaluation(str(tmp_path / "data_tfrecord-0.gz"), VOCABULARY, LENGTH)
    rule = InferenceRule("gloom", [0.0, 0.1, 5.0], delta_weight=1.0)
    gamma, tried = choose_gamma(model, VOCABULARY, rule, made, np.arange(len(made)).astype(str), K)
    assert [row["gamma"] for row in tried] == rule.gamma
    assert gamma == max(tried, key=lambda row: row["ndcg_p"] + row["ndcg_delta"])["gamma"]
    assert len({row["ndcg_p"] for row in tried}) > 1, "the weight matters"


def rank_of(target: str, answer: dict[str, Any]) -> int:
    """Place of the target in a list; 0 where it is not in there."""
    items = [item.decode() for item in answer["item_ids"].numpy()[0][: answer["count"].numpy()[0]]]
    return items.index(target) + 1 if target in items else 0
