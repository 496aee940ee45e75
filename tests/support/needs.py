"""What a test needs: which packages its code imports, followed by the sources, function by function.

A module is loaded with all that it imports at its top. Beyond that counts what a test calls: the functions and classes
that its own code, its fixtures and what those call name, and the imports inside of them. What is only called by way of
a text (a command's name) is not seen; the guard of `make check` finds that (`tests.support.guard`).
"""

import ast
import dataclasses
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# Packages that take seconds to import, since TensorFlow comes along.
HEAVY: Final = frozenset(
    [
        *("tensorflow", "keras", "tf_keras", "keras_tuner", "tfx", "tfx_bsl", "tensorflow_recommenders"),
        *("tensorflow_data_validation", "tensorflow_model_analysis", "tensorflow_transform", "tensorflow_serving"),
    ]
)
_STARTERS: Final = {
    "subprocess": {"run", "Popen", "call", "check_call", "check_output"},
    "multiprocessing": {"Process", "Pool", "get_context", "active_children"},
    "os": {"fork", "forkpty", "posix_spawn", "system"},
}
PROCESS: Final = "a process"

# A module, and a name in it.
Unit = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Module:
    """A source, taken apart.

    Attributes:
        package: That relative imports start from.
        loads: Modules that are imported with it.
        names: What a name of its top stands for: a module alone, or a name in another.
        bodies: The code of its functions, classes and constants.
    """

    package: str
    loads: frozenset[str]
    names: dict[str, Unit]
    bodies: dict[str, list[ast.AST]]


class Sources:
    """The sources beneath a folder, each read once.

    Args:
        root: The folder that holds the packages.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self.source = functools.cache(self._source)
        self.parsed = functools.cache(self._parse)
        self.loaded = functools.cache(self._load)
        self.needs = functools.cache(self._follow)
        self._needs_of = functools.cache(self._look_at)

    def module_name(self, path: Path) -> str:
        """Dotted name of the module in a file."""
        return ".".join(path.relative_to(self._root).with_suffix("").parts)

    def _follow(self, units: frozenset[Unit]) -> frozenset[str]:
        """Top packages outside of this project that these names need, and `PROCESS` where one starts a process."""
        todo, seen, found = list(units), set[Unit](), set[str]()
        while todo:
            unit = todo.pop()
            if unit not in seen:
                seen.add(unit)
                external, further = self._needs_of(unit)
                found |= external
                todo += further
        return frozenset(found)

    def _load(self, module: str) -> frozenset[str]:
        """Modules, own and foreign, that are there when this one has been imported."""
        todo, seen = [module], set[str]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            todo += [".".join(name.split(".")[:count]) for count in range(1, name.count(".") + 1)]
            if (own := self.parsed(name)) is not None:
                todo += own.loads
        return frozenset(seen)

    def _source(self, module: str) -> Path | None:
        """The file of a module of this project; None for others, and for texts that are no module's name."""
        if not all(part.isidentifier() for part in module.split(".")):
            return None
        path = self._root / module.replace(".", "/")
        return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)

    def _parse(self, module: str) -> Module | None:
        """A module of this project; None for others."""
        path = self.source(module)
        if path is None:
            return None
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        loads, names, bodies = set[str](), dict[str, Unit](), dict[str, list[ast.AST]]()
        for node in _top(ast.parse(path.read_text(encoding="utf-8")).body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, unit in _imported(node, package):
                    names[name] = unit
                    loads.add(self._module_of(unit))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bodies.setdefault(node.name, []).append(node)
                # These are evaluated where it stands.
                bodies.setdefault("", []).extend(node.decorator_list)
            else:
                # A name that is not called here is used where the constant is.
                if any(isinstance(part, ast.Call) for part in ast.walk(node)):
                    bodies.setdefault("", []).append(node)
                for target in ast.walk(node):
                    if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                        bodies.setdefault(target.id, []).append(node)
        return Module(package, frozenset(loads), names, bodies)

    def _module_of(self, unit: Unit) -> str:
        """The module that is loaded for a name: `from package import module` loads that one."""
        module, name = unit
        inner = f"{module}.{name}"
        return inner if name and self.source(inner) is not None else module

    def _look_at(self, unit: Unit) -> tuple[frozenset[str], frozenset[Unit]]:
        """What a name needs outside of the project by itself, and the names of the project that it uses."""
        module, name = unit
        own = self.parsed(module)
        if own is None:
            return frozenset([module.partition(".")[0]]), frozenset()
        if (inner := self._module_of(unit)) != module:
            return self._needs_of((inner, ""))
        units: set[Unit] = set()
        if name in own.names and name not in own.bodies:
            units.add(own.names[name])
        for body in own.bodies.get(name, []):
            units |= self._used(body, module, own)
        started = {PROCESS for base, attribute in units if attribute in _STARTERS.get(base, ())}
        inside = frozenset(each for each in units if self.source(each[0]) is not None)
        outside = [
            *(base for base, _ in units - inside),
            *(each for each in self.loaded(module) if not self.source(each)),
        ]
        return frozenset(each.partition(".")[0] for each in outside) | started, inside

    def _used(self, body: ast.AST, module: str, own: Module) -> set[Unit]:
        """What a piece of code names, of its module and of others."""
        names = dict(own.names)
        units: set[Unit] = set()
        for node in ast.walk(body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, unit in _imported(node, own.package):
                    names[name] = unit
                    units.add((self._module_of(unit), ""))
        for node in ast.walk(body):
            if isinstance(node, ast.Attribute):
                units |= self._attribute(node, names)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id in own.bodies and node.id not in own.names:
                    units.add((module, node.id))
                elif node.id in names:
                    units.add(names[node.id])
        return units

    def _attribute(self, node: ast.Attribute, names: dict[str, Unit]) -> set[Unit]:
        """`module.name`, as deep as the module's path goes."""
        parts: list[str] = []
        value: ast.expr = node
        while isinstance(value, ast.Attribute):
            parts.insert(0, value.attr)
            value = value.value
        if not isinstance(value, ast.Name) or value.id not in names:
            return set()
        module, name = names[value.id]
        if name:
            module = f"{module}.{name}"
            if self.source(module) is None:
                return set()
        elif value.id == module.partition(".")[0]:
            # `import a.b` binds a.
            module = value.id
        while len(parts) > 1 and self.source(f"{module}.{parts[0]}") is not None:
            module = f"{module}.{parts.pop(0)}"
        return {(module, parts[0])}


def heavy(packages: Iterable[str]) -> set[str]:
    """Those of the modules' packages that bring TensorFlow along."""
    return {each.partition(".")[0] for each in packages} & HEAVY


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported; not what is for type checkers only."""
    for node in body:
        if isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from _top([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            handled = [statement for handler in node.handlers for statement in handler.body]
            yield from _top([*node.body, *handled, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With):
            yield from _top(node.body)
        else:
            yield node


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Unit]]:
    """Names that an import gives, and what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, "")
        return
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
    for alias in node.names:
        yield alias.asname or alias.name, (base, alias.name)
