"""Where dislikes stand among the likes that training reads."""

import numpy as np
import pytest

from pnfrec_keras.examples.histories import Histories

LIKE, DISLIKE = True, False


def places(rows: list[list[tuple[int, bool]]], max_length: int) -> tuple[list[list[int]], list[list[int]]]:
    histories = Histories.of_rows(rows)
    chosen, found = histories.placed_dislikes(max_length)
    items, at = (histories.rows(values, chosen, max_length) for values in (histories.item, found))
    return items.tolist(), at.tolist()


def test_a_dislike_stands_at_the_last_like_before_it() -> None:
    row = [(9, DISLIKE), (1, LIKE), (8, DISLIKE), (7, DISLIKE), (2, LIKE), (3, LIKE), (6, DISLIKE)]
    items, at = places([row], 5)
    assert items == [[8, 7, 6, 0, 0]]  # none before the first like
    assert at == [[0, 0, 2, 0, 0]]


def test_users_do_not_mix_and_unknown_items_do_not_count() -> None:
    rows = [[(1, LIKE), (0, LIKE), (9, DISLIKE)], [], [(9, DISLIKE)], [(2, LIKE), (0, DISLIKE), (8, DISLIKE)]]
    items, at = places(rows, 2)
    assert items == [[9, 0], [0, 0], [0, 0], [8, 0]]
    assert at == [[0, 0], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("likes", [2, 3, 4, 7])
def test_only_states_that_training_computes_are_named(likes: int) -> None:
    max_length = 2
    row = [pair for like in range(1, likes + 1) for pair in ((like, LIKE), (like + 100, DISLIKE))]
    histories = Histories.of_rows([row])
    chosen, at = histories.placed_dislikes(max_length)
    kept = histories.rows(histories.item, histories.is_positive, max_length + 1)[0]
    inputs = kept[:max_length]
    placed = {int(histories.item[i]): int(at[i]) for i in np.flatnonzero(chosen)}
    # The like before a dislike is the one with its number; what is no input has no place.
    assert placed == {like + 100: place for place, like in enumerate(inputs.tolist()) if like}
