"""Fills the parts of pages that are made from the code.

A page says where with a comment on a line of its own, such as `<!-- generated: glossary -->`.

What is made is Markdown, so that it reads like the rest of the page. Nothing here imports TensorFlow, TFX or Beam.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Files of the repository that are pages of the site, beside one another.
PAGES = {"CONTRIBUTING.md": "contributing.md", "benchmarks/README.md": "benchmarks.md", "CHANGELOG.md": "changelog.md"}
MARK = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)


def glossary() -> str:
    """Every term with its meaning, as definitions that other pages can refer to."""
    from pnfrec_core.glossary import all_terms

    return "\n".join(["```{glossary}", *(f"{term}\n  {meaning}\n" for term, meaning in all_terms().items()), "```"])


def configuration() -> str:
    """Every key of a configuration, without the heading that the page has."""
    from dev import reference

    return reference.configuration().partition("\n")[2]


def server() -> str:
    """Every key of a server's settings, without the heading that the page has."""
    from dev import reference

    return reference.server().partition("\n")[2]


def command_line() -> str:
    """Every command of `pnfrec`, without the heading that the page has."""
    from dev import reference

    return reference.command_line().partition("\n")[2]


def imports() -> str:
    """The table of who may import what."""
    from dev import layers

    return layers.render_table()


def link_on_site(link: str, folder: str = "") -> str:
    """Where a link of a file in a folder of the repository leads from a page in docs/project."""
    path, mark, anchor = link.partition("#")
    if "://" in path or not path:
        return link
    path = posixpath.normpath(posixpath.join(folder, path))
    if path.startswith("docs/"):
        return f"../{path.removeprefix('docs/')}{mark}{anchor}"
    return f"{PAGES.get(path, f'../../{path}')}{mark}{anchor}"


def page_of(path: str) -> Callable[[], str]:
    """The text of a Markdown file of the repository, without its heading."""
    folder = posixpath.dirname(path)

    def read() -> str:
        text = (ROOT / path).read_text(encoding="utf-8").partition("\n")[2]
        return LINK.sub(lambda found: f"]({link_on_site(found.group(1), folder)})", text)

    return read


PARTS: dict[str, Callable[[], str]] = {
    "glossary": glossary,
    "configuration": configuration,
    "server": server,
    "command-line": command_line,
    "imports": imports,
    "contributing": page_of("CONTRIBUTING.md"),
    "benchmarks": page_of("benchmarks/README.md"),
    "changelog": page_of("CHANGELOG.md"),
}


def fill(app: Any, docname: str, source: list[str]) -> None:
    """Handles `source-read`: each mark is replaced by what it names."""
    del app, docname
    source[0] = MARK.sub(lambda mark: PARTS[mark.group(1)](), source[0])


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
