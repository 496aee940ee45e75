"""What the docstring of a dataclass of settings says: about the whole, and about each key."""

import inspect
import re

_HEADING = "Attributes:"
_ENTRY = re.compile(r" {4}(\w+(?:, \w+)*): (.*)")


def read_docstring(kind: type) -> tuple[str, dict[str, str]]:
    """The prose of a docstring, paragraphs with blank lines between, and the meaning of each of its `Attributes`.

    Names that share an entry (`alpha, beta: ...`) share its text. What stands after the attributes is left out, as is
    everything where Python runs without docstrings (-OO).

    >>> class Door:
    ...     '''A door.
    ...
    ...     Attributes:
    ...         width, height: In metres, of the
    ...             opening.
    ...     '''
    >>> read_docstring(Door)
    ('A door.', {'width': 'In metres, of the opening.', 'height': 'In metres, of the opening.'})
    """
    prose, _, rest = inspect.cleandoc(kind.__doc__ or "").partition(f"\n{_HEADING}\n")
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in rest.splitlines():
        if entry := _ENTRY.fullmatch(line):
            names = entry[1].split(", ")
            meanings |= dict.fromkeys(names, entry[2])
        elif line.startswith(" " * 8):
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in names}
        elif line:
            break
    return prose.strip(), meanings
