"""Shows pickled or JSON values as text, read from the opcodes: nothing is imported or called.

Whoever can write to Redis can choose the bytes. A value may contain itself, or the same list a billion times.
So the text is limited in length and depth.
"""

from __future__ import annotations

import ast
import json
import pickletools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rq_mon.calls.serializers import PICKLE_PROTOCOL_2_OR_LATER

END_OF_PICKLE = b"."
"""Ends every pickle, of any protocol, and never JSON."""

LONGEST_TEXT = 20_000
"""Longest text of a value, in characters."""
LONGEST_ATOM = 2_000
"""Longest text of one string or number in it, in characters."""
LONGEST_DICT = 16_384
"""Longest dict of which one entry is read, in bytes: about 20 ms of a worker's time before each job."""
DEEPEST = 20
CUT = "…"

BRACKETS = {"list": "[]", "tuple": "()", "set": "{}", "dict": "{}", "frozenset": "()", "call": "()"}


class UnreadableError(ValueError):
    """The bytes are neither a complete pickle nor JSON."""


@dataclass(slots=True)
class Value:
    """A value of a pickle: its kind and its content."""

    type: str
    """Class, as Python prints it: `dict`, `shop.orders.Order`."""
    kind: str
    """A key of BRACKETS, or `atom` or `global`."""
    head: str = ""
    """Text of an atom, path of a global, or the function that is called."""
    items: list[Value] = field(default_factory=list)
    """Its items; for a dict, keys and values in turn."""
    state: Value | None = None


def arguments_of(data: bytes) -> str:
    """Return the arguments of a job as text, such as `3, name='x'`.

    Args:
        data: the call as RQ stores it: function, instance, arguments and named arguments, uncompressed.

    Raises:
        UnreadableError: only the application's own code can read them.
    """
    call = value_of(data)
    if len(call.items) != 4:
        raise UnreadableError("expected function, instance, arguments and named arguments")
    _, instance, positional, named = call.items
    given = [instance] if instance.head != "None" else []
    return "".join(_limited(_parts_of_arguments([*given, *positional.items], named)))


def keys_of(data: bytes) -> tuple[str, ...]:
    """Return the keys of a dict. Raises UnreadableError."""
    value = value_of(data)
    return tuple(_name(key) for key, _ in _pairs(value.items)) if value.kind == "dict" else ()


def entry_of(data: bytes, key: str) -> object:
    """Return the entry `key` of a dict: a plain value, or the beginning of a long string; None without one.

    Raises:
        UnreadableError: the data is too long, not pickle or JSON, or needs the application's code.
        TypeError: it is not a dict.
    """
    is_pickle = data.startswith(PICKLE_PROTOCOL_2_OR_LATER) and data.endswith(END_OF_PICKLE)
    if is_pickle and key.encode() not in data:
        return None  # at once: most jobs have no such entry, and some have many others
    if len(data) > LONGEST_DICT:
        raise UnreadableError(f"expected at most {LONGEST_DICT} bytes, got {len(data)}")
    value = value_of(data)
    if value.kind == "call":
        raise UnreadableError(f"expected a plain dict, got the result of {value.head}")
    if value.kind != "dict":
        raise TypeError(f"expected a dict, got {value.type}")
    found = [item for name, item in _pairs(value.items) if name.type == "str" and _name(name) == key]
    return _plain(found[-1]) if found else None


def type_of(data: bytes) -> str:
    """Return the class of a value from its first bytes; empty if it cannot be read."""
    try:
        return value_of(data).type
    except UnreadableError:
        pass
    if not data.startswith(PICKLE_PROTOCOL_2_OR_LATER):
        return {b"{": "dict", b"[": "list", b'"': "str"}.get(data.lstrip()[:1], "")
    return _Reader().first(data).type


def value_of(data: bytes) -> Value:
    """Return a description of the value. Raises UnreadableError."""
    try:
        if data.startswith(PICKLE_PROTOCOL_2_OR_LATER) or data.endswith(END_OF_PICKLE):
            return _Reader().read(data)
        return _json_value(json.loads(data))
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise UnreadableError("expected a complete pickle or JSON") from error


def text_of(value: Value) -> str:
    """Return a value as text."""
    return "".join(_limited(_parts(value, 0)))


class _Reader:
    """An unpickler that builds descriptions instead of values."""

    def __init__(self) -> None:
        self._stack: list[Value] = []
        self._below: list[list[Value]] = []
        self._memo: dict[int, Value] = {}

    def read(self, data: bytes) -> Value:
        self._follow(data)
        return self._stack[-1]

    def first(self, data: bytes) -> Value:
        """Return a description of an incomplete pickle: the lowest entry of the stack."""
        with suppress(ValueError, LookupError, AttributeError, TypeError):  # the data ends here
            self._follow(data)
        lowest = [each for stack in (*self._below, self._stack) for each in stack]
        if self._below and not self._below[0]:
            return Value("tuple", "tuple")
        return lowest[0] if lowest else Value("", "atom")

    def _follow(self, data: bytes) -> None:
        for opcode, argument, _ in pickletools.genops(data):
            self._step(opcode.name, argument)

    def _step(self, name: str, argument: Any) -> None:
        if name in _ATOMS:
            self._push(_atom(_ATOMS[name](argument)))
        elif name in _EMPTY:
            self._push(Value(_EMPTY[name], _EMPTY[name]))
        elif name in _OF_MARK:
            items = self._marked()
            self._push(Value(_OF_MARK[name], _OF_MARK[name], items=items))
        elif name in _TO_MARK:
            items = self._marked()
            self._stack[-1].items += items
        elif name in _TUPLES:
            number = _TUPLES[name]
            self._push(Value("tuple", "tuple", items=self._pop(number)))
        elif name in _ADDING:
            items = self._pop(_ADDING[name])
            self._stack[-1].items += items
        else:
            self._other(name, argument)

    def _other(self, name: str, argument: Any) -> None:
        match name:
            case "PROTO" | "FRAME" | "STOP" | "READONLY_BUFFER":
                pass
            case "MARK":
                self._below.append(self._stack)
                self._stack = []
            case "POP_MARK":
                self._marked()
            case "POP":
                self._pop(1)
            case "DUP":
                self._push(self._stack[-1])
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[int(argument)] = self._stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self._push(self._memo[int(argument)])
            case "GLOBAL":
                self._push(_global(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                module, path = self._pop(2)
                self._push(_global(_name(module), _name(path)))
            case "REDUCE" | "NEWOBJ":
                called, arguments = self._pop(2)
                self._push(_call(called, arguments.items))
            case "NEWOBJ_EX":
                called, arguments, named = self._pop(3)
                self._push(_call(called, [*arguments.items, *([named] if named.items else [])]))
            case "OBJ":
                called, *items = self._marked()
                self._push(_call(called, items))
            case "INST":
                items = self._marked()
                self._push(_call(_global(*argument.split(" ", 1)), items))
            case "BUILD":
                (state,) = self._pop(1)
                self._stack[-1].state = state
            case _:
                raise ValueError(name)

    def _push(self, value: Value) -> None:
        self._stack.append(value)

    def _pop(self, number: int) -> list[Value]:
        if len(self._stack) < number:
            raise ValueError("the stack is empty")
        popped = self._stack[-number:]
        del self._stack[-number:]
        return popped

    def _marked(self) -> list[Value]:
        items, self._stack = self._stack, self._below.pop()
        return items


_ATOMS: Mapping[str, Callable[[Any], object]] = {
    **dict.fromkeys(("NONE",), lambda _: None),
    **dict.fromkeys(("NEWTRUE",), lambda _: True),
    **dict.fromkeys(("NEWFALSE",), lambda _: False),
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
            *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
            *("STRING", "BINSTRING", "SHORT_BINSTRING"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
        ),
        lambda argument: argument,
    ),
}
_EMPTY = {"EMPTY_LIST": "list", "EMPTY_DICT": "dict", "EMPTY_TUPLE": "tuple", "EMPTY_SET": "set"}
_OF_MARK = {"LIST": "list", "DICT": "dict", "TUPLE": "tuple", "FROZENSET": "frozenset"}
_TO_MARK = frozenset({"APPENDS", "SETITEMS", "ADDITEMS"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_ADDING = {"APPEND": 1, "SETITEM": 2}


def _atom(value: object) -> Value:
    """Describe a plain value. If its text is cut, an ellipsis follows its quotes."""
    if isinstance(value, str | bytes | bytearray):
        text = repr(value[:LONGEST_ATOM]) + (CUT if len(value) > LONGEST_ATOM else "")
    elif isinstance(value, int) and value.bit_length() > LONGEST_ATOM:
        text = f"<a number of {value.bit_length():,} bits>"
    else:
        text = repr(value)
    return Value(type(value).__name__, "atom", text)


def _global(module: str, path: str) -> Value:
    name = path if module in ("builtins", "__builtin__") else f"{module}.{path}"
    return Value(_cut(name, LONGEST_ATOM), "global", _cut(name, LONGEST_ATOM))


def _call(called: Value, items: list[Value]) -> Value:
    head = called.head if called.kind == "global" else "?"
    rebuilt = items[0] if head.startswith(("copyreg.", "copy_reg.")) and items else called
    return Value(rebuilt.type, "call", head, items)


def _json_value(value: Any) -> Value:
    if isinstance(value, list):
        return Value("list", "list", items=[_json_value(each) for each in value])
    if isinstance(value, dict):
        items = [_json_value(each) for pair in value.items() for each in pair]
        return Value("dict", "dict", items=items)
    return _atom(value)


def _pairs(items: list[Value]) -> Iterator[tuple[Value, Value]]:
    return zip(items[::2], items[1::2], strict=False)


def _name(value: Value) -> str:
    """Return the text of a string without its quotes."""
    return value.head[1:-1] if value.type == "str" and not value.head.endswith(CUT) else text_of(value)


def _plain(value: Value) -> object:
    text = text_of(value)
    if value.type == "str" and text.endswith(CUT):
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"expected a plain value, got {value.type}") from error


def _parts(value: Value, depth: int) -> Iterator[str]:
    if value.kind in ("atom", "global"):
        yield value.head
        return
    brackets = BRACKETS[value.kind]
    opening, closing = brackets[0], brackets[1]
    yield f"{value.head or ('frozenset' if value.kind == 'frozenset' else '')}{opening}"
    if depth >= DEEPEST:
        yield CUT
    else:
        yield from _parts_of_items(value, depth)
    yield ",)" if value.kind == "tuple" and len(value.items) == 1 else closing
    if value.state is not None and depth < DEEPEST:
        yield " with "
        yield from _parts(value.state, depth + 1)


def _parts_of_items(value: Value, depth: int) -> Iterator[str]:
    for index, item in enumerate(value.items):
        if index:
            yield ": " if value.kind == "dict" and index % 2 else ", "
        yield from _parts(item, depth + 1)


def _parts_of_arguments(positional: list[Value], named: Value) -> Iterator[str]:
    separator = ""
    for value in positional:
        yield separator
        yield from _parts(value, 0)
        separator = ", "
    if named.kind != "dict":
        yield f"{separator}**"
        yield from _parts(named, 0)
        return
    for key, value in _pairs(named.items):
        yield f"{separator}{_name(key)}="
        yield from _parts(value, 0)
        separator = ", "


def _limited(parts: Iterable[str]) -> Iterator[str]:
    left = LONGEST_TEXT
    for part in parts:
        if len(part) > left:
            yield part[:left] + CUT
            return
        left -= len(part)
        yield part


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + CUT
