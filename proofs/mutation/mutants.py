"""Mutants: copies of a file with one small fault each."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import OPERATORS_TYPE, mutation_operators

Place = tuple[int, int]
"""Line and column."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault."""

    path: str
    """Path of the file from the root of the project."""
    line: int
    original: str
    """The lines that change, joined into one."""
    mutated: str
    """The line that replaces them."""
    code: str
    """The whole file, with the fault."""

    @property
    def key(self) -> str:
        """Identifies this mutant until its file changes."""
        return hashlib.sha256(f"{self.path}\n{self.code}".encode()).hexdigest()[:16]


def pick(root: Path, packages: Sequence[str], number: int, seed: int) -> list[Mutant]:
    """Select mutants of the files in these folders; the same seed and files give the same mutants.

    Each place in the code has the same chance, whatever the number of possible faults, and is selected at
    most once. A smaller number selects the first of those that a larger number selects.

    Args:
        root: the root of the project.
        packages: folders in it; their subfolders are left out.
        number: how many mutants; fewer if there are fewer places.
        seed: of the random selection.
    """
    chance = random.Random(seed)
    files = sorted(path for package in packages for path in (root / package).glob("*.py"))
    places = [(path, place) for path in files for place in sorted(_faults_of(path))]
    chance.shuffle(places)
    return [_mutant(root, path, *chance.choice(_faults_of(path)[place])) for path, place in places[:number]]


def _mutant(root: Path, path: Path, original: cst.CSTNode, mutated: cst.CSTNode) -> Mutant:
    module = _parse(path).module
    code = cst.ensure_type(module.deep_replace(original, mutated), cst.Module).code
    before, after = module.code.splitlines(), code.splitlines()
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, first, last, begin, end = next(change for change in changes if change[0] != "equal")
    return Mutant(
        str(path.relative_to(root)),
        first + 1,
        _one_line(before[first:last]),
        _one_line(after[begin:end]),
        code,
    )


def _one_line(lines: Iterable[str]) -> str:
    return " ".join(line.strip() for line in lines)


@cache
def _parse(path: Path) -> MetadataWrapper:
    return MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))


@cache
def _faults_of(path: Path) -> dict[Place, list[tuple[cst.CSTNode, cst.CSTNode]]]:
    visitor = _Faults()
    _parse(path).visit(visitor)
    return dict(visitor.found)


class _Faults(cst.CSTVisitor):
    """Finds the places for faults. Annotations are left out: nothing evaluates them."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: defaultdict[Place, list[tuple[cst.CSTNode, cst.CSTNode]]] = defaultdict(list)

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, (cst.Annotation, cst.Import, cst.ImportFrom)) or _is_text_alone(node):
            return False
        faults = list(_faults_at(node))
        if faults:
            start = self.get_metadata(PositionProvider, node).start
            self.found[start.line, start.column] += [(node, fault) for fault in faults]
        return True


def _is_text_alone(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(node.value, (cst.BaseString, cst.Ellipsis))


def _faults_at(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in (*mutation_operators, *OPERATORS):
        if isinstance(node, kind):
            yield from operator(node)


def _leave_out(_: cst.Expr) -> Iterable[cst.CSTNode]:
    """`call()` becomes `pass`: the product often changes Redis by a call whose result it does not use."""
    yield cst.Pass()


def _negate(condition: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    test = condition.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield condition.with_changes(test=cst.UnaryOperation(cst.Not(), test))


OPERATORS: OPERATORS_TYPE = ((cst.Expr, _leave_out), (cst.If, _negate), (cst.While, _negate))
"""Operators that mutmut lacks."""
