"""Sphinx settings of the documentation site: `make docs`."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS / "_ext")]

project = "pnfrec"
copyright = "the authors of pnfrec, Apache-2.0"
_version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
version = release = _version.group(1) if _version else ""

extensions = ["myst_parser", "docstrings", "generated", "renderings", "sphinx.ext.napoleon", "autoapi.extension"]
# Pages, and the Markdown of the repository that pages include.
exclude_patterns = ["_ext"]
# What a terminal shows has no language; other blocks name theirs.
highlight_language = "text"
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

# API pages come from the sources, which are parsed and never imported: no TensorFlow, TFX or Beam is needed.
PACKAGES = (
    *("pnfrec_keras", "pnfrec_columns", "pnfrec_core", "pnfrec_data"),
    *("components", "pipeline", "serving", "studies"),
)
autoapi_dirs = [str(ROOT / package) for package in PACKAGES]
autoapi_root = "reference/api"
autoapi_add_toctree_entry = False
autoapi_options = ["members", "undoc-members", "show-inheritance"]
autoapi_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Reference", "notes_style")]

# A reference to something of ours has to lead somewhere. Annotations name types of Python and of frameworks too, which
# have no pages here.
nitpick_ignore_regex = [("py:.*", rf"(?!({'|'.join(PACKAGES)})\b).*")]
# A module may hand on a name that it imports, where the parser does not follow.
suppress_warnings = ["autoapi.python_import_resolution", "myst.xref_ambiguous"]

# Every function of the API in the sidebar of every page took most of the time of a build.
toc_object_entries = False

html_theme = "pydata_sphinx_theme"
html_title = f"pnfrec {version}"
html_static_path = ["_static"]
html_css_files = ["pnfrec.css"]
html_show_sourcelink = False
html_sidebars = {"reference/api/**": []}
html_theme_options = {
    "logo": {"text": "pnfrec"},
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 7,
}
