"""The machine behind `pickles`: a pickle's opcodes run on a stack of plain data.

By construction nothing that the file names is ever looked up or called.
"""

import math
import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO

from danqing.base.errors import HostileFileError

MAX_OPCODES = 20_000_000

STORAGES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "DoubleStorage": ("F64", 8),
        "FloatStorage": ("F32", 4),
        "HalfStorage": ("F16", 2),
        "BFloat16Storage": ("BF16", 2),
        "LongStorage": ("I64", 8),
        "IntStorage": ("I32", 4),
        "ShortStorage": ("I16", 2),
        "CharStorage": ("I8", 1),
        "ByteStorage": ("U8", 1),
        "BoolStorage": ("BOOL", 1),
    }
)
LEFTOVER_MODULES = ("pytorch_lightning", "lightning", "omegaconf")
LEFTOVER_NAMES = frozenset(
    {
        "argparse.Namespace",
        "types.SimpleNamespace",
        "collections.Counter",
        "typing.Any",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
    }
    | {
        "numpy.ndarray",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "datetime.datetime",
    }
    | {
        "builtins.object",
        "__builtin__.object",
        "copyreg._reconstructor",
        "copy_reg._reconstructor",
        "builtins.int",
        "builtins.float",
    }
)
"""What old trainers left beside the weights; kept as an inert `Leftover`, for the machine calls nothing anyway."""
NUMPY_FORMATS: Mapping[str, str] = MappingProxyType({"f8": "d", "f4": "f", "i8": "q", "i4": "i", "u1": "B", "b1": "?"})


class DamagedError(Exception):
    """The opcodes make no sense; the caller knows the file's name."""


@dataclass(frozen=True)
class Name:
    """A class or function by name; only a name, never the thing."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Leftover:
    """An object that is no tensor, inert: the name of its class and what stood in it."""

    kind: str
    state: Any = None


@dataclass(frozen=True)
class Storage:
    key: str
    dtype: str
    item_size: int
    numel: int
    offset: int = 0


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that lies in a storage: offset and strides count items, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def dtype(self) -> str:
        return self.storage.dtype

    def check(self, storages: Mapping[str, tuple[int, int]]) -> None:
        """Whether every item lies within the storage, and the storage within the file."""
        there = storages.get(self.storage.key)
        if there is None:
            raise DamagedError(f"storage {self.storage.key[:40]!r} is missing")
        items = math.prod(self.shape)
        if items == 0:
            return
        last = (
            self.storage.offset
            + self.offset
            + sum((side - 1) * step for side, step in zip(self.shape, self.stride, strict=True))
        )
        if (last + 1) * self.storage.item_size > there[1] or items * self.storage.item_size > there[1]:
            raise HostileFileError(f"a tensor of shape {list(self.shape)[:6]} reaches beyond its {there[1]} bytes")


@dataclass
class Machine:
    """One run over one pickle. `storages` collects (item size, items) by key."""

    storages: dict[str, tuple[int, int]] = field(default_factory=dict)
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, file: BinaryIO) -> Any:
        """The value that the pickle at the file's place describes; the file then stands behind it."""
        count = 0
        try:
            for opcode, argument, _ in pickletools.genops(file):
                count += 1
                if count > MAX_OPCODES:
                    raise HostileFileError("its program has no end")
                if opcode.name == "STOP":
                    return self.stack.pop()
                self._step(opcode.name, argument)
        except (IndexError, KeyError, ValueError, TypeError, OverflowError, MemoryError, AttributeError) as problem:
            raise DamagedError(f"{type(problem).__name__}: {str(problem)[:80]}") from problem
        raise DamagedError("its program breaks off")

    def _step(self, opcode: str, argument: Any) -> None:
        if opcode in PLAIN_VALUES:
            self.stack.append(argument)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode])
        elif opcode in ACTIONS:
            ACTIONS[opcode](self, argument)
        elif opcode not in ("PROTO", "FRAME"):
            raise HostileFileError(f"it uses {opcode}, which no model file needs")

    def items_above_mark(self) -> list[Any]:
        place = self.marks.pop()
        items = self.stack[place:]
        del self.stack[place:]
        return items

    def pair(self) -> tuple[Any, Any]:
        """The two topmost values, the lower first."""
        upper = self.stack.pop()
        return self.stack.pop(), upper


def named(module: str, name: str) -> Name:
    """A name that may occur in a model file. Raises HostileFileError for every other."""
    found = Name(str(module), str(name))
    known = str(found) in MAKERS or (found.module in ("torch", "torch.storage") and name in STORAGES)
    harmless = str(found) in LEFTOVER_NAMES or found.module.split(".")[0] in LEFTOVER_MODULES
    plain_type = found.module == "torch" and name in DTYPES
    if not (known or plain_type or (harmless and "." not in found.name)):
        raise HostileFileError(f"it asks for {str(found)[:80]}, which has no place in a model file")
    return found


def made(callee: Any, arguments: Any) -> Any:
    """What a call in the file would give, made by our own hand."""
    if not isinstance(callee, Name) or not isinstance(arguments, tuple):
        raise HostileFileError("it calls something that is no known class")
    maker = MAKERS.get(str(callee))
    if maker is not None:
        return maker(*arguments)
    if str(callee).endswith("_reconstructor"):
        return Leftover(str(arguments[0]))
    return Leftover(str(callee), arguments)


def _tensor(storage: Storage, offset: int, shape: Any, stride: Any, *_: Any) -> StoredTensor:
    numbers = (offset, *shape, *stride)
    if (
        not isinstance(storage, Storage)
        or len(shape) != len(stride)
        or not all(type(number) is int and number >= 0 for number in numbers)
    ):
        raise DamagedError("a tensor without a sound storage or shape")
    return StoredTensor(storage, offset, tuple(shape), tuple(stride))


def _from_type(function: Any, kind: Any, arguments: Any, _state: Any) -> Any:
    return made(function, arguments)


def _dict(pairs: Any = ()) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key, value in pairs:
        put(result, key, value)
    return result


def _numpy_scalar(dtype: Any, raw: Any) -> Any:
    letters = dtype.state[0] if isinstance(dtype, Leftover) and isinstance(dtype.state, tuple) and dtype.state else ""
    data = raw if isinstance(raw, bytes) else str(raw).encode("latin1", "replace")
    code = NUMPY_FORMATS.get(str(letters).lstrip("<>=|"))
    if code is None or struct.calcsize(code) != len(data):
        return Leftover("numpy.scalar")
    return struct.unpack("<" + code, data)[0]


def put(target: dict[Any, Any], key: Any, value: Any) -> None:
    """Keys other than plain ones are dropped: nothing in a model needs them, and hashing what nests without end would crash."""
    if isinstance(key, str | int | float | bytes | None):
        target[key] = value


def _build(machine: Machine, _: Any) -> None:
    target, state = machine.pair()
    if isinstance(target, Leftover):
        target.state = state if target.state is None else target.state
    machine.stack.append(target)


def _persistent(machine: Machine, _: Any) -> None:
    reference = machine.stack.pop()
    if not isinstance(reference, tuple) or len(reference) not in (5, 6) or reference[0] != "storage":
        raise DamagedError("a reference to something else than a storage")
    kind, key, numel = reference[1], str(reference[2]), reference[4]
    if not isinstance(kind, Name) or kind.name not in STORAGES or type(numel) is not int or numel < 0:
        raise HostileFileError(f"it asks for a storage of type {str(kind)[:60]}")
    dtype, item_size = STORAGES[kind.name]
    offset = 0
    if len(reference) == 6 and reference[5] is not None:  # a view on another storage, written before PyTorch 0.4
        offset = int(reference[5][1])
    machine.storages.setdefault(key, (item_size, numel))
    machine.stack.append(Storage(key, dtype, item_size, numel, offset))


def _setitems(machine: Machine, _: Any) -> None:
    items = machine.items_above_mark()
    for key, value in zip(items[::2], items[1::2], strict=True):
        _set(machine.stack[-1], key, value)


def _setitem(machine: Machine, _: Any) -> None:
    key, value = machine.pair()
    _set(machine.stack[-1], key, value)


def _set(target: Any, key: Any, value: Any) -> None:
    if isinstance(target, dict):
        put(target, key, value)
    elif not isinstance(target, Leftover):
        raise DamagedError("an entry for something that is no dictionary")


def _append(machine: Machine, _: Any) -> None:
    target, value = machine.pair()
    machine.stack.append(target)
    if isinstance(target, list):
        target.append(value)


def _appends(machine: Machine, _: Any) -> None:
    items = machine.items_above_mark()
    if isinstance(machine.stack[-1], list):
        machine.stack[-1].extend(items)


def _call(machine: Machine, _: Any) -> None:
    machine.stack.append(made(*machine.pair()))


def _call_with_keywords(machine: Machine, _: Any) -> None:
    machine.stack.pop()
    machine.stack.append(made(*machine.pair()))


def _instance(machine: Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(made(named(module, name), tuple(machine.items_above_mark())))


def _object(machine: Machine, _: Any) -> None:
    kind, *arguments = machine.items_above_mark()
    machine.stack.append(made(kind, tuple(arguments)))


def _global(machine: Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(named(module, name))


def _stack_global(machine: Machine, _: Any) -> None:
    machine.stack.append(named(*machine.pair()))


def _mark(machine: Machine, _: Any) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: Machine, _: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _remember(machine: Machine, argument: Any) -> None:
    machine.memo[len(machine.memo) if argument is None else int(argument)] = machine.stack[-1]


def _recall(machine: Machine, argument: Any) -> None:
    machine.stack.append(machine.memo[int(argument)])


def _tuple_of(count: int) -> Callable[[Machine, Any], None]:
    def build(machine: Machine, _: Any) -> None:
        items = tuple(machine.stack[len(machine.stack) - count :])
        if len(items) != count:
            raise DamagedError("too few values for a tuple")
        del machine.stack[len(machine.stack) - count :]
        machine.stack.append(items)

    return build


def _dict_above_mark(machine: Machine, _: Any) -> None:
    items = machine.items_above_mark()
    machine.stack.append(_dict(zip(items[::2], items[1::2], strict=True)))


DTYPES = frozenset(
    {
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
        "half",
        "float",
        "double",
    }
)

MAKERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_parameter": lambda data, *_: data,
        "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
        "torch._tensor._rebuild_from_type_v2": _from_type,
        "torch.nn.parameter.Parameter": lambda data, *_: data,
        "torch.Tensor": lambda *_: Leftover("torch.Tensor"),
        "torch.Size": lambda sides=(): tuple(sides),
        "torch.device": lambda *words: ":".join(str(word) for word in words),
        "collections.OrderedDict": _dict,
        "collections.defaultdict": lambda *_: {},
        "builtins.dict": _dict,
        "__builtin__.dict": _dict,
        "builtins.set": list,
        "__builtin__.set": list,
        "builtins.frozenset": list,
        "__builtin__.frozenset": list,
        "builtins.list": list,
        "__builtin__.list": list,
        "_codecs.encode": lambda text, *_: str(text).encode("latin1", "replace"),
        "numpy.dtype": lambda *words: Leftover("numpy.dtype", words),
        "numpy.core.multiarray.scalar": _numpy_scalar,
        "numpy._core.multiarray.scalar": _numpy_scalar,
    }
)

PLAIN_VALUES = frozenset(
    {
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
    }
    | {
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    }
)
CONSTANTS: Mapping[str, Any] = MappingProxyType({"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()})

ACTIONS: Mapping[str, Callable[[Machine, Any], None]] = MappingProxyType(
    {
        "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
        "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
        "EMPTY_SET": lambda machine, _: machine.stack.append([]),
        "MARK": _mark,
        "POP": _pop,
        "POP_MARK": lambda machine, _: (machine.items_above_mark(), None)[1],
        "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
        "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.items_above_mark())),
        "TUPLE1": _tuple_of(1),
        "TUPLE2": _tuple_of(2),
        "TUPLE3": _tuple_of(3),
        "LIST": lambda machine, _: machine.stack.append(machine.items_above_mark()),
        "DICT": _dict_above_mark,
        "FROZENSET": lambda machine, _: machine.stack.append(machine.items_above_mark()),
        "ADDITEMS": _appends,
        "APPEND": _append,
        "APPENDS": _appends,
        "SETITEM": _setitem,
        "SETITEMS": _setitems,
        "PUT": _remember,
        "BINPUT": _remember,
        "LONG_BINPUT": _remember,
        "MEMOIZE": _remember,
        "GET": _recall,
        "BINGET": _recall,
        "LONG_BINGET": _recall,
        "GLOBAL": _global,
        "STACK_GLOBAL": _stack_global,
        "REDUCE": _call,
        "NEWOBJ": _call,
        "NEWOBJ_EX": _call_with_keywords,
        "INST": _instance,
        "OBJ": _object,
        "BUILD": _build,
        "BINPERSID": _persistent,
    }
)
