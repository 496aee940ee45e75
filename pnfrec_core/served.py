"""What the records of a pushed version say of the model that was judged and of the one that serves."""

from typing import Final

# In the model card, whoever reads it where. The Pusher puts another sentence there for a refitted model. It holds no
# sign that Markdown or HTML marks up, so that it is the same in both.
JUDGED: Final = "The model that the gate judged is the one that this card lies beside."


def of_refitted(steps: int, items: int, judged_items: int) -> str:
    """The sentence that stands for `JUDGED` beside a refitted model.

    Args:
        steps: Of its training.
        items: Of its catalogue.
        judged_items: Of the catalogue of the judged model.
    """
    return (
        "The model beside this card is not the one that the gate judged: it is that one trained anew on everything, "
        f"held-out rows included, with the same settings and as many steps ({steps:,}). It knows {items:,} items, the "
        f"judged one {judged_items:,}. All measures of this card are of the judged one; there is nothing left that the "
        "other could be measured by."
    )
