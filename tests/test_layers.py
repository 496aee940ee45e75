"""The table of who may import what is the truth about all sources, no wider than they need."""

import re
from collections.abc import Iterator, Sequence

import pytest

from dev import layers
from dev.layers import ANYTHING, Distance, Row, is_within
from pnfrec_core import launch
from pnfrec_core.imports import PACKAGES, ROOT, Import, closure, imports_of, module_files, module_name, third_party
from pnfrec_core.source import When

MODULES = module_files()
ROWS = layers.rows()
DISTANCES = layers.distances()
ROW_OF = {module: layers.row_of(module) for module in MODULES}


def modules_of(row: Row) -> list[str]:
    return [module for module in MODULES if ROW_OF[module] == row]


def imports(row: Row) -> Iterator[tuple[str, Import]]:
    """Each import of a row's modules from outside of the row."""
    for module in modules_of(row):
        for each in imports_of(MODULES[module]):
            if not each.is_own or ROW_OF[each.name] != row:
                yield module, each


def refusal(row: Row, module: str, found: Import) -> str | None:
    """Why an import is against its row; None where it is not."""
    where = f"{MODULES[module].relative_to(ROOT)}, line {found.line}: {found.name}"
    if ANYTHING in row.imports or (found.when is not When.AT_IMPORT and allows(row.later, found.name)):
        return None
    if not (entries := allows(row.imports, found.name)):
        late = " at import" if allows(row.later, found.name) else ""
        return f"{where} is not for {row.package}{late}"
    if found.when is When.AT_IMPORT and not any(may_import(row, module, entry) for entry in entries):
        return f"{where} is for {', '.join(row.only_in[entries[0]])} only"
    return None


def allows(entries: Sequence[str], name: str) -> list[str]:
    return [entry for entry in entries if is_within(name, entry)]


def may_import(row: Row, module: str, entry: str) -> bool:
    only = row.only_in.get(entry)
    return only is None or any(is_within(module, f"{row.package}.{part}") for part in only)


def test_every_source_has_a_row_and_every_row_a_source() -> None:
    assert {ROW_OF[module].package for module in MODULES} == {row.package for row in ROWS}
    assert {row.package.partition(".")[0] for row in ROWS} == set(PACKAGES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.package)
def test_nothing_is_imported_that_the_row_does_not_name(row: Row) -> None:
    assert [text for module, found in imports(row) if (text := refusal(row, module, found))] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.package)
def test_the_row_names_nothing_that_is_not_imported(row: Row) -> None:
    found = [(module, each) for module, each in imports(row) if each.when is When.AT_IMPORT]
    later = [(module, each) for module, each in imports(row) if each.when is not When.AT_IMPORT]
    unused = [
        name for name in row.imports if name != ANYTHING and not any(is_within(each.name, name) for _, each in found)
    ]
    unused += [name for name in row.later if not any(is_within(each.name, name) for _, each in later)]
    for entry, parts in row.only_in.items():
        users = {module for module, each in found if is_within(each.name, entry)}
        unused += [
            f"{entry} in {part}" for part in parts if not any(is_within(m, f"{row.package}.{part}") for m in users)
        ]
    assert unused == []


@pytest.mark.parametrize("distance", DISTANCES, ids=lambda distance: f"{distance.modules[0]}: {distance.why}")
def test_what_must_stay_away_is_reached_by_no_way(distance: Distance) -> None:
    modules = [module for module in MODULES if any(is_within(module, package) for package in distance.modules)]
    assert modules
    for module in modules:
        foreign = third_party(module, at_import_only=distance.at_import)
        own = closure(module, at_import_only=distance.at_import)
        reached = {*foreign, *(module_name(path) for path in own if path.suffix == ".py")}
        near = sorted(name for name in reached if any(is_within(name, each) for each in distance.never))
        assert near == [], f"{module}: {distance.why}"


def test_the_check_tells_each_kind_of_wrong_import() -> None:
    row = Row("serving", "", ("grpc", "tensorflow"), ("absl",), only_in={"tensorflow": ("model",)})

    def of(name: str, when: When, module: str = "serving.client") -> str | None:
        return refusal(row, module, Import(name, name == "pipeline.run", when, 7))

    assert of("grpc", When.AT_IMPORT) is None
    assert of("absl", When.WHEN_CALLED) is None
    assert of("tensorflow", When.AT_IMPORT, "serving.model") is None
    assert of("tensorflow", When.WHEN_CALLED) is None
    assert of("absl", When.AT_IMPORT) == "serving/client.py, line 7: absl is not for serving at import"
    assert of("tensorflow", When.AT_IMPORT) == "serving/client.py, line 7: tensorflow is for model only"
    for when in When:
        assert of("pipeline.run", when) == "serving/client.py, line 7: pipeline.run is not for serving"


def test_the_table_has_a_line_a_row() -> None:
    lines = layers.render_table().splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[0].count("|") == lines[1].count("|") == 5
    row = "| `components.data_contract` | the curated schema, and the statistics that are held against it "
    assert f"{row}| `apache_beam` (in `sample` only), `pnfrec_core`, `tfx` |  |" in lines
    (serving,) = (line for line in lines if line.startswith("| `serving` |"))
    assert "`tensorflow` (in `model` only)" in serving


def test_every_package_is_followed() -> None:
    """Provenance follows imports into these packages only: one that is left out would change without a word."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(PACKAGES)


def test_every_package_of_users_is_installed() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (installed,) = re.findall(r"^include = \[(.*)\]$", settings, re.MULTILINE)
    assert set(re.findall(r'"(\w+)\*"', installed)) == set(launch.PACKAGES)
