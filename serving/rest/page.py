"""A page to look at recommendations."""

from typing import Any


def page_routes(*_: Any) -> list[Any]:
    return []
