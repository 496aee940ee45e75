"""What the `metadata` of a dataclass field may say of a key, beside its type, its default and the docstring.

It stands apart from what reads it, so that the code behind a result does not change with the way that keys are shown.
"""

from typing import Final

# The value that a required key is shown with.
EXAMPLE: Final = "example"
# The names that a text may be, where the type is no Literal: a sequence, or a mapping that says in sentences what each
# name means; or a function of no arguments that gives one of these.
CHOICES: Final = "choices"
