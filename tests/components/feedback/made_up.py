"""Made-up rows of feedback."""

import random
from typing import Any

from tests.components.feedback.reference import Row


def some_rows(size: int = 600, seed: int = 0) -> list[Row]:
    generator = random.Random(seed)
    return [
        Row(
            f"ü{generator.randrange(30):02d}",
            f"{int(generator.paretovariate(0.7)) % 40:03d}",
            generator.choice([1.0, 2.5, 3.0, 4.0, 5.0]),
            1_000_000 + generator.randrange(300),
            generator.choice(["train"] * 6 + ["validation", "test"]),
            order,
        )
        for order in range(size)
    ]


def rows_of(*triples: tuple[str, str, float], time: int = 1000) -> list[Row]:
    return [Row(user, item, value, time + n, "train", n) for n, (user, item, value) in enumerate(triples)]


ONE_USER = rows_of(*(("u", f"i{index}", float(index % 2)) for index in range(12)))
ONE_ITEM = rows_of(*((f"u{index % 6}", "i", float(index % 2)) for index in range(36)))
MANY = rows_of(*((f"u{n % 10}", f"i{n // 10}", 1.0) for n in range(100)))
NO_FILTER: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1}
