"""The words of this project, and the names and values that every stage shares.

Glossary
    interaction: one row of feedback: user, item, value, timestamp.
    positive, negative: an interaction is positive when its value reaches the threshold (spec, section 1, item 3).
    boundary: where liked and disliked part: in the middle between the threshold and the largest training value below.
    margin: the distance of an interaction's value from the boundary, in units of the value.
    history: a user's interactions before the target, oldest first; `seen` are all of them, whatever their polarity.
    target: the interaction that an evaluation example asks for. Its polarity names the example's group: "p" or "n".
    catalogue: the items of the training rows after the k-core filter. Each model carries its own.
    item index: 1..N inside one model, in the order of its vocabulary; 0 is padding. Indices never leave a model:
        examples and signatures carry raw ids, which are non-empty UTF-8 strings.
    padding: on the right, so that position 0 is the oldest item kept. A mask is True at real positions.
    rank: 1 is best. Higher scores come first, equal scores in the order of the vocabulary. Seen items are not ranked. A
        target that is seen or unknown has rank 0, which every measure counts as a miss.

This module imports nothing, so that Beam workers and the gRPC client may use it.
"""

from typing import Final

# Features of a training example. Ids are raw strings, oldest first, never truncated: the length is a setting of the
# model.
USER_ID: Final = "user_id"
POSITIVE_ITEM_IDS: Final = "positive_item_ids"
NEGATIVE_ITEM_IDS: Final = "negative_item_ids"
# int64 list: the polarity of each interaction in order, 1 is positive, by which both sequences merge into one history.
HISTORY_IS_POSITIVE: Final = "history_is_positive"
# float list, of training examples alone: how far the value of each interaction lies from the boundary between liked and
# disliked, in units of the value; empty where the input has no values (`feedback.positive: column`).
HISTORY_MARGINS: Final = "history_margins"
# float list, of training examples alone: when each interaction was, in days since 1970-01-01 UTC, to three minutes.
HISTORY_DAYS: Final = "history_days"

# Evaluation examples carry the first four above (the history before the target) and these.
SEEN_ITEM_IDS: Final = "seen_item_ids"  # every item of the history in order, both polarities
TARGET_DAY: Final = "target_day"  # float: when the target was, in days since 1970-01-01 UTC, to three minutes
TARGET_ITEM_ID: Final = "target_item_id"
TARGET_IS_POSITIVE: Final = "target_is_positive"  # int64: 1 is group "p", 0 is group "n"
HISTORY_LENGTH_BUCKET: Final = "history_length_bucket"
TARGET_POPULARITY_BUCKET: Final = "target_popularity_bucket"

HISTORY_FEATURES: Final = (USER_ID, POSITIVE_ITEM_IDS, NEGATIVE_ITEM_IDS, HISTORY_IS_POSITIVE)
TRAIN_FEATURES: Final = (*HISTORY_FEATURES, HISTORY_MARGINS, HISTORY_DAYS)
EVALUATION_FEATURES: Final = (
    *HISTORY_FEATURES,
    SEEN_ITEM_IDS,
    TARGET_DAY,
    TARGET_ITEM_ID,
    TARGET_IS_POSITIVE,
    HISTORY_LENGTH_BUCKET,
    TARGET_POPULARITY_BUCKET,
)

# The history length counts positive and negative interactions before the target: "0-4" holds 0 to 4.
HISTORY_LENGTH_BUCKETS: Final = (("0-4", 4), ("5-9", 9), ("10-19", 19), ("20-49", 49))
HISTORY_LENGTH_OVERFLOW: Final = "50+"
# The target's place in the training catalogue ordered by popularity: the top 10 % of the items, the next 40 %, the
# rest.
POPULARITY_BUCKETS: Final = (("head", 0.1), ("middle", 0.5))
POPULARITY_OVERFLOW: Final = "tail"

TRAIN_SPLIT: Final = "train"
VALIDATION_SPLIT: Final = "validation"
TEST_SPLIT: Final = "test"
SPLITS: Final = (TRAIN_SPLIT, VALIDATION_SPLIT, TEST_SPLIT)
# A further one beside these, where `feedback.random_files` name what was shown at random.
TEST_RANDOM_SPLIT: Final = "test_random"

# The vocabulary file: JSON Lines, the most frequent item first, equal counts in the order of their ids' code points.
VOCABULARY_FILE: Final = "items.jsonl"
VOCABULARY_ID: Final = "item_id"
VOCABULARY_COUNT: Final = "count"  # training interactions, both polarities
VOCABULARY_POSITIVE_COUNT: Final = "positive_count"
# Likes of the last days of training; absent where `feedback.recent_days` is 0.
VOCABULARY_RECENT_POSITIVE_COUNT: Final = "recent_positive_count"
VOCABULARY_TITLE: Final = "title"  # absent where the data has none
VOCABULARY_GROUP: Final = "group"  # category, brand or artist; absent where the data has none

# Folder inside the SavedModel for the vocabulary file and what else a reader may want without TensorFlow.
EXTRA_ASSETS: Final = "assets.extra"

# Signatures of the SavedModel.
SERVING_SIGNATURE: Final = "serving_default"
NEGATIVES_SIGNATURE: Final = "with_negatives"
RECOMMEND_SIGNATURE: Final = "recommend"
RANK_SIGNATURE: Final = "rank_examples"
USERS_SIGNATURE: Final = "user_vectors"
ITEMS_SIGNATURE: Final = "item_vectors"
# Those that answer queries with lists, each row of which is a user.
QUERY_SIGNATURES: Final = (SERVING_SIGNATURE, NEGATIVES_SIGNATURE, RECOMMEND_SIGNATURE)
K: Final = "k"
EXCLUDE_ITEM_IDS: Final = "exclude_item_ids"
GAMMA: Final = "gamma"
ALLOW_ITEM_IDS: Final = "allow_item_ids"
MAX_PER_GROUP: Final = "max_per_group"
VECTOR_ITEM_IDS: Final = "item_ids"
OUTPUT_ITEM_IDS: Final = "item_ids"
OUTPUT_SCORES: Final = "scores"
OUTPUT_COUNT: Final = "count"
OUTPUT_FALLBACK: Final = "fallback"
OUTPUT_KNOWN_ITEMS: Final = "known_items"
OUTPUT_UNKNOWN_ALLOWED: Final = "unknown_allowed"
OUTPUT_GROUPS: Final = "groups"
OUTPUT_SCORES_WITHOUT_RULE: Final = "scores_without_rule"
OUTPUT_VECTORS: Final = "vectors"
OUTPUT_KNOWN: Final = "known"
RANK_INPUT: Final = "examples"
OUTPUT_RANK: Final = "rank"
OUTPUT_DEFAULT_RANK: Final = "default_rank"
OUTPUT_TOP_ITEMS: Final = "top_items"
OUTPUT_CATALOGUE_SIZE: Final = "catalogue_size"
OUTPUT_TOP_INFORMATION: Final = "top_information"
OUTPUT_TOP_GROUPS: Final = "top_groups"
OUTPUT_TARGET_BUCKET: Final = "target_bucket"
