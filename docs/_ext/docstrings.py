"""Renders docstrings, which are plain English text, as reStructuredText that keeps what they say.

The sources mark code with single backticks, lay out small tables with spaces and name several parameters at once. None
of that is reStructuredText: stars and bars would become markup, indented lines quotations.
"""

import builtins
import re
from typing import Any

SECTIONS = ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:", "Note:", "Reference:", "References:", "Example:")
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
SPECIAL = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")
# Columns that are aligned by spaces.
ALIGNED = re.compile(r"\S {3,}\S")


def escape(text: str) -> str:
    """Text whose stars, bars and trailing underscores are themselves, and whose code is marked by two backticks."""
    parts: list[str] = []
    end = 0
    for code in CODE.finditer(text):
        end_of_word = "\\ " if text[code.end() : code.end() + 1].isalnum() else ""  # as in `Piece`s
        parts += [SPECIAL.sub(r"\\\1", text[end : code.start()]), f"``{code.group(2)}``{end_of_word}"]
        end = code.end()
    return "".join([*parts, SPECIAL.sub(r"\\\1", text[end:])])


def blocks(lines: list[str]) -> list[list[str]]:
    """The lines between blank lines."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def render_entries(block: list[str]) -> list[str]:
    """A section such as Args, each of its entries on one line, as napoleon expects it."""
    heading, *rest = block
    entries: list[str] = []
    first = indentation(rest[0]) if rest else 0
    for line in rest:
        if indentation(line) > first and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line)
    return [heading, *map(escape, entries)]


def render_text(block: list[str]) -> list[str]:
    """A paragraph; lines that are indented or aligned in it become a literal block."""
    start = next(
        (i for i, line in enumerate(block) if indentation(line) > indentation(block[0]) or ALIGNED.search(line)), None
    )
    if start is None or block[0].lstrip().startswith((">>>", "- ", "* ")):
        return block if block[0].lstrip().startswith(">>>") else [escape(line) for line in block]
    text = [escape(line) for line in block[:start]]
    literal = ["::", "", *(f"    {line}" for line in block[start:])]
    return [*text, "", *literal] if text else literal


def render(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText, its Google sections left to napoleon."""
    rendered: list[str] = []
    for block in blocks(lines):
        is_section = block[0] in SECTIONS
        indented = indentation(block[0]) > 0 and not block[0].lstrip().startswith(">>>")
        if is_section:
            rendered += render_entries(block)
        elif indented:
            rendered += ["::", "", *(f"    {line}" for line in block)]
        else:
            rendered += render_text(block)
        rendered.append("")
    return rendered


def prepare(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Handles `autodoc-process-docstring`, before napoleon does."""
    del app, what, name, obj, options
    lines[:] = render(lines)


def leave_builtins(app: Any, doctree: Any) -> None:
    """Handles `doctree-read`: `set` in an annotation is Python's, whatever attribute of ours has that name."""
    from sphinx import addnodes

    del app
    for reference in list(doctree.findall(addnodes.pending_xref)):
        if reference.get("refdomain") == "py" and hasattr(builtins, reference["reftarget"]):
            reference.replace_self(reference.children)


def find_alias(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Handles `missing-reference`: an annotation may name an alias of a type, which older Sphinx does not look for.

    It may also name what a package hands on from one of its modules.
    """
    if node.get("refdomain") != "py" or node["reftype"] != "class":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    package, _, name = target.rpartition(".")
    below = [known for known in domain.objects if known.startswith(f"{package}.") and known.endswith(f".{name}")]
    for kind, place in (("data", target), *(("class", known) for known in below if len(below) == 1)):
        found = domain.resolve_xref(env, node["refdoc"], app.builder, kind, place, node, text)
        if found is not None:
            return found
    return None


def setup(app: Any) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.autodoc")  # which names the event
    app.connect("autodoc-process-docstring", prepare, priority=400)
    app.connect("doctree-read", leave_builtins)
    app.connect("missing-reference", find_alias)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
