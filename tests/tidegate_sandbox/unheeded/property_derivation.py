"""Derives which properties of which resource types ministack certainly passes over when a stack makes a resource.

A property counts as looked at where its name is a word of the functions that make or update the resource, and of the
provisioners' functions that those name. Where one of them hands its properties on as a whole, and for what is nested in
a property in any case, every word of the services behind it counts too. `python -m` this module writes the table anew.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.tidegate_sandbox.unheeded.derivation import MINISTACK, PACKAGE, SERVED, parsed, words
from tidegate_sandbox.cloudformation import properties as schemas
from tidegate_sandbox.unheeded.decisions import HEEDED

Function = ast.FunctionDef | ast.AsyncFunctionDef

_PROVISIONERS = MINISTACK / "services" / "cloudformation" / "provisioners.py"
_REGISTERED = re.compile(r'register_resource_type\(\s*"(AWS::[^"]+)"')
_ITSELF_A_WORD = ("get", "setdefault", "pop")


class Module:
    """The functions, constants and imported services of a module of provisioners."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions: dict[str, Function] = {}
        self.constants: dict[str, ast.Assign | ast.AnnAssign] = {}
        self.services: dict[str, Path] = {}
        for node in tree.body:
            if isinstance(node, Function):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.constants |= {each.id: node for each in targets if isinstance(each, ast.Name)}
            elif isinstance(node, ast.Import):
                self.services |= {each.asname: path for each in node.names if each.asname for path in _files(each.name)}

    def handlers(self) -> Iterator[tuple[str, Mapping[str, ast.expr]]]:
        """Yield each type, and what is done to make and update a resource of it."""
        table = self.constants["_RESOURCE_HANDLERS"].value
        assert isinstance(table, ast.Dict)
        for kind, each in zip(table.keys, table.values, strict=True):
            assert isinstance(kind, ast.Constant)
            assert isinstance(each, ast.Dict)
            done = zip(each.keys, each.values, strict=True)
            yield kind.value, {key.value: to for key, to in done if isinstance(key, ast.Constant)}

    def reached(self, begin: list[ast.expr]) -> tuple[set[str], set[Path]]:
        """Return the words of whatever `begin` names, directly or not, and the services that it uses."""
        found, services, seen = set[str](), set[Path](), set[str]()
        todo: list[ast.AST] = [*begin]
        while todo:
            said, uses, names = _looked_at(self, todo.pop())
            found |= said
            services |= uses
            todo += [self.functions.get(name) or self.constants[name] for name in names - seen]
            seen |= names
        return found, services

    def hands_on(self, function: Function, parameter: str, seen: frozenset[tuple[str, str]] = frozenset()) -> bool:
        """Whether `function` does more with its `parameter` than look names up in it, itself or by another."""
        here = (function.name, parameter)
        if here in seen:
            return False
        above = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
        return any(
            not self._looks_up(each, above, parameter, seen | {here})
            for each in ast.walk(function)
            if isinstance(each, ast.Name) and each.id == parameter and isinstance(each.ctx, ast.Load)
        )

    def _looks_up(
        self, name: ast.Name, above: Mapping[ast.AST, ast.AST], parameter: str, seen: frozenset[tuple[str, str]]
    ) -> bool:
        around = above[name]
        if isinstance(around, ast.Attribute):
            return around.attr in _ITSELF_A_WORD
        if isinstance(around, ast.Subscript):
            return around.value is name
        if isinstance(around, ast.Compare):
            return True
        call = above[around] if isinstance(around, ast.keyword) else around
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return False
        called = self.functions.get(call.func.id)
        if called is None:
            return False
        if isinstance(around, ast.keyword):
            return around.arg is not None and not self.hands_on(called, around.arg, seen)
        place = call.args.index(name)
        return place < len(called.args.args) and not self.hands_on(called, called.args.args[place].arg, seen)


@cache
def _looked_at(module: Module, node: ast.AST) -> tuple[set[str], set[Path], set[str]]:
    """Return the words of some code, the services that it uses, and what it names of its module."""
    services, names = set[Path](), set[str]()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            if each.id in module.services:
                services.add(module.services[each.id])
            elif (each.id in module.functions or each.id in module.constants) and each.id != "_RESOURCE_HANDLERS":
                names.add(each.id)
        elif isinstance(each, ast.ImportFrom):
            for name in each.names:
                services |= {*_files(each.module or ""), *_files(f"{each.module}.{name.name}")}
        elif isinstance(each, ast.Import):
            services |= {path for name in each.names for path in _files(name.name)}
    return words(node), services, names


def _files(module: str) -> list[Path]:
    """Return the file of a module of ministack's services, in a list that is empty where it is none."""
    path = MINISTACK / (module.removeprefix("ministack.").replace(".", "/") + ".py")
    return [path] if module.startswith("ministack.services") and path.exists() else []


@cache
def _words_of(path: Path) -> frozenset[str]:
    # Comments included, which costs less and can only make more of what is looked at.
    return frozenset(re.findall(r"[a-z0-9]+", path.read_text("utf-8").lower()))


@cache
def _behind(service: Path) -> tuple[Path, ...]:
    """Return the files of a service, and of whatever reads what it keeps."""
    together = [[MINISTACK / each for each in files] for _, files in SERVED.values()]
    return (service, *(file for files in together if files[0] == service for file in files[1:]))


def own_types() -> set[str]:
    """Return the types that the sandbox's services register, but for those whose name is made up."""
    services = PACKAGE.parent / "services"
    return {kind for file in services.rglob("*.py") for kind in _REGISTERED.findall(file.read_text("utf-8"))}


def passed_over(module: Module, does: Mapping[str, ast.expr], schema: Mapping[str, Any]) -> list[str]:
    """Return the paths of a type's properties, such as `Targets[].RetryPolicy`, that nobody looks at."""
    makes = [does[name] for name in ("create", "update") if name in does]
    near, services = module.reached(makes)
    far = near.union(*(_words_of(file) for service in services for file in _behind(service)))
    create = module.functions.get(makes[0].id) if isinstance(makes[0], ast.Name) else None
    second = create.args.args[1].arg if create and len(create.args.args) > 1 else None
    whole = create is None or second is None or module.hands_on(create, second)
    return list(_below(schema, schema.get("definitions", {}), "", (far if whole else near, far), ()))


def _below(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    path: str,
    known: tuple[set[str], set[str]],
    seen: tuple[str, ...],
) -> Iterator[str]:
    while "$ref" in schema or "items" in schema:
        if "items" in schema:
            schema, path = schema["items"], f"{path}[]"
            continue
        if schema["$ref"] in seen:
            return
        seen, schema = (*seen, schema["$ref"]), definitions[schema["$ref"]]
    here, below = known
    for name, each in schema.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        if name.lower() not in here:
            yield inner
        else:
            yield from _below(each, definitions, inner, (below, below), seen)


def properties() -> str:
    """Return properties.json as it has to be."""
    module, own, lines = Module(parsed(_PROVISIONERS)), own_types(), []
    for kind, does in sorted(module.handlers()):
        schema = schemas.schemas().get(kind)
        if schema is None or kind in own or "create" not in does:
            continue
        heeded = HEEDED.get(kind, frozenset())
        found = [path for path in passed_over(module, does, schema) if path not in heeded]
        if found:
            lines.append(f"{json.dumps(kind)}: {json.dumps(found)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    (PACKAGE / "properties.json").write_text(properties(), "utf-8")
