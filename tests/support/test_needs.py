"""What a test needs, read from sources."""

from pathlib import Path

import pytest

from tests.support.needs import PROCESS, Sources, heavy

SOURCES = {
    "a/__init__.py": "",
    "a/top.py": "import tensorflow as tf\n",
    "a/typed.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow\n",
    "a/lazy.py": (
        "def train():\n    import keras\n    return keras\n"
        "def plain():\n    return 1\n"
        "def both():\n    return train()\n"
        "class Trainer:\n    def go(self):\n        from a import top\n        return top\n"
        "RULES = {'one': Trainer}\n"
    ),
    "a/starts.py": (
        "import subprocess\ndef run():\n    return subprocess.run(['x'])\ndef text():\n    return subprocess.PIPE\n"
    ),
    "a/test_it.py": (
        "import a.lazy\nfrom a import lazy as own, starts\nfrom a.lazy import RULES, both, plain\n"
        "def test_plain():\n    assert plain()\n"
        "def test_both():\n    assert both()\n"
        "def test_attribute():\n    assert own.train()\n"
        "def test_path():\n    assert a.lazy.train()\n"
        "def test_other_attribute():\n    assert own.plain()\n"
        "def test_constant():\n    assert RULES\n"
        "def test_inside():\n    from a import top\n    assert top\n"
        "def test_process():\n    assert starts.run()\n"
        "def test_no_process():\n    assert starts.text()\n"
        "class TestGroup:\n    def test_one(self):\n        assert both()\n"
    ),
}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return Sources(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_plain", set()),
        ("test_both", {"keras"}),
        ("test_attribute", {"keras"}),
        ("test_path", {"keras"}),
        ("test_other_attribute", set()),
        ("test_constant", {"tensorflow"}),
        ("test_inside", {"tensorflow"}),
        ("test_process", {PROCESS}),
        ("test_no_process", set()),
        ("TestGroup", {"keras"}),
    ],
)
def test_what_is_named_is_followed(sources: Sources, name: str, expected: set[str]) -> None:
    assert sources.needs(frozenset({("a.test_it", name)})) - {"subprocess", "typing"} == expected


@pytest.mark.parametrize(("module", "expected"), [("a.top", {"tensorflow"}), ("a.typed", set()), ("a.test_it", set())])
def test_a_module_brings_what_it_imports_at_its_top(sources: Sources, module: str, expected: set[str]) -> None:
    assert heavy(sources.loaded(module)) == expected


@pytest.mark.parametrize("text", ["a" * 300 + "/b", "a.b c", "", "a..top"])
def test_a_text_that_is_no_module_needs_nothing(sources: Sources, text: str) -> None:
    assert sources.source(text) is None
