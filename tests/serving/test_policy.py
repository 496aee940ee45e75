"""Which versions are to be loaded by marks and settings, and who gets the canary."""

import pytest

from pnfrec_core.model_marks import Mark, Marks
from serving.policy import Plan, Policy, place_of, wants_canary

THERE = [1, 2, 3, 4]
# Of u1, u2, ü and 1375666, by sha256sum of "canary:u1" and so on.
PLACES = [0.945261, 0.372665, 0.750016, 0.398339]
LABELLED = Marks(labels={"stable": Mark(2), "canary": Mark(4)})


@pytest.mark.parametrize(
    ("policy", "marks", "plan"),
    [
        (Policy(), Marks(), Plan(None, (4, 3, 2, 1), 1, {})),
        (Policy(latest=2), Marks(), Plan(None, (4, 3, 2, 1), 2, {})),
        (Policy(latest=0), Marks(), Plan(None, (4, 3, 2, 1), 5, {})),
        (Policy(specific=(9, 3, 1)), Marks(), Plan(None, (3, 1), 3, {})),
        (Policy(), Marks(pinned=Mark(2)), Plan(2, (4, 3, 2, 1), 1, {})),
        (Policy(), Marks(pinned=Mark(7)), Plan(None, (4, 3, 2, 1), 1, {})),
        (Policy(), Marks(bad={4: Mark(4)}), Plan(None, (3, 2, 1), 1, {})),
        (Policy(specific=(4, 1)), Marks(bad={4: Mark(4)}), Plan(None, (1,), 2, {})),
        # By hand, since `pnfrec models` writes no such marks.
        (Policy(), Marks(pinned=Mark(4), bad={4: Mark(4)}), Plan(None, (3, 2, 1), 1, {})),
        (Policy(), Marks(labels={"old": Mark(4)}, bad={4: Mark(4)}), Plan(None, (3, 2, 1), 1, {})),
        # Labels alone change nothing for those who ask for none, as in TensorFlow Serving.
        (Policy(), LABELLED, Plan(None, (4, 3, 2, 1), 1, {"stable": 2, "canary": 4})),
        (Policy(canary_share=0.1), LABELLED, Plan(2, (4, 3, 2, 1), 1, {"stable": 2, "canary": 4})),
        (
            Policy(canary_share=0.1),
            Marks(Mark(3), LABELLED.labels),
            Plan(3, (4, 3, 2, 1), 1, {"stable": 2, "canary": 4}),
        ),
        (Policy(canary_share=0.1), Marks(labels={"stable": Mark(7)}), Plan(None, (4, 3, 2, 1), 1, {"stable": 7})),
        (
            Policy(labels={"stable": 1, "old": 1}),
            LABELLED,
            Plan(None, (4, 3, 2, 1), 1, {"stable": 2, "canary": 4, "old": 1}),
        ),
    ],
)
def test_what_is_loaded(policy: Policy, marks: Marks, plan: Plan) -> None:
    assert policy.plan(THERE, marks) == plan


def test_the_share_of_users_who_get_the_canary_is_the_one_asked_for() -> None:
    users = [f"user-{number}" for number in range(20_000)]
    for share in (0.0, 0.01, 0.1, 0.5, 1.0):
        got = sum(wants_canary(user, share) for user in users) / len(users)
        # Four standard errors.
        assert abs(got - share) <= 4 * (share * (1 - share) / len(users)) ** 0.5, share


def test_the_same_user_always_gets_the_same_and_a_greater_share_holds_the_smaller() -> None:
    """Written down, since every server, and every later version of it, has to find the same place."""
    assert [round(place_of(user), 6) for user in ("u1", "u2", "ü", "1375666")] == PLACES
    users = [f"user-{number}" for number in range(2000)]
    small, large = ({user for user in users if wants_canary(user, share)} for share in (0.05, 0.2))
    assert small < large


def test_who_says_no_user_never_gets_the_canary() -> None:
    assert not wants_canary("", 1.0)
