"""Hands pip's settings on to uv, which reads neither pip.conf nor PIP_* variables.

How packages are reached is handed on from both: the index, certificates, proxy, timeout. Further places to take them
from come from PIP_* variables only, which somebody has set on purpose. What would change the versions (constraints,
pre-releases) is left out: the pin files say that. A UV_* variable that is set wins.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Mapping
from urllib.parse import unquote, urlparse

# Setting of pip -> variable of uv, and what joins several values there.
REACH = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
}
SOURCES = {
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
}
PLACES = ("index-url", "extra-index-url", "find-links", "cert")


def pip_settings(env: Mapping[str, str], listing: str = "", sources: bool = True) -> dict[str, str]:
    """Settings of pip by name, as pip ranks them: variables, then [install], then [global].

    Args:
        env: The environment variables.
        listing: What `pip config list` prints, one `section.name='value'` a line.
        sources: Whether to include further places to take packages from.
    """
    settings: dict[str, str] = {}
    lines = [line.partition("=") for line in listing.splitlines()]
    for section in ("global", "install"):
        for name, equals, value in lines:
            setting = name[len(section) + 1 :]
            if equals and name.startswith(f"{section}.") and setting in REACH:
                settings[setting] = _unquoted(value)
    for name, value in env.items():
        setting = name[len("PIP_") :].lower().replace("_", "-")
        if name.startswith("PIP_") and (setting in REACH or (sources and setting in SOURCES)):
            settings[setting] = value
    return settings


def uv_variables(settings: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables that make uv do what `settings` make pip do.

    Local places that do not exist are left out, as pip does.
    """
    variables: dict[str, str] = {}
    for name, (variable, joiner) in {**REACH, **SOURCES}.items():
        values = settings.get(name, "").split()
        if name in PLACES:
            values = [value for value in values if _exists(value)]
        if values and variable not in env:
            variables[variable] = joiner.join(values)
    if "UV_INDEX" in variables and "UV_INDEX_STRATEGY" not in env:
        # pip looks into all indexes alike; uv by default stops at the first that knows the name.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables


def pip_config_list(python: str) -> str:
    """What `pip config list` of this interpreter prints; empty without pip."""
    try:
        result = subprocess.run(
            [python, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout if result.returncode == 0 else ""


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value


def _exists(place: str) -> bool:
    url = urlparse(place)
    if url.scheme in ("http", "https"):
        return True
    return os.path.exists(unquote(url.path) if url.scheme == "file" else place)
