"""Model files by tensor, in the manner of safetensors."""

from __future__ import annotations

import importlib
import mmap
import operator
import os
from collections.abc import Iterable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from ranstream._base import base_of
from ranstream._native import Archive, Base
from ranstream.errors import NotRansError, UnsupportedError

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["TensorSlice", "safe_open"]

# Names of safetensors, and of GGUF, for what numpy and torch have; in numpy those of ml_dtypes are
# marked.
_NUMPY = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "I32": "int32",
    "U32": "uint32",
    "I64": "int64",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
    "BF16": "*bfloat16",
    "F8_E4M3": "*float8_e4m3fn",
    "F8_E5M2": "*float8_e5m2",
    "F8_E8M0": "*float8_e8m0fnu",
    "F8_E4M3FNUZ": "*float8_e4m3fnuz",
    "F8_E5M2FNUZ": "*float8_e5m2fnuz",
}
_TORCH = {name: kind.lstrip("*") for name, kind in _NUMPY.items()}

_Key = int | slice | EllipsisType | tuple[Any, ...]


class _Numpy:
    """Tensors as arrays of numpy."""

    def __init__(self, device: str) -> None:
        if device != "cpu":
            raise ValueError(f"numpy has no device {device!r}")

    def empty(self, dtype: str, shape: Sequence[int]) -> Any:
        import numpy

        return numpy.empty(tuple(shape), self._dtype(dtype))

    def bytes_of(self, tensor: Any) -> Any:
        """The memory of a tensor, which is contiguous."""
        if not tensor.flags.c_contiguous:
            raise BufferError("the output is not C-contiguous")
        return tensor.reshape(-1).view("uint8")

    def check(self, tensor: Any, dtype: str, shape: Sequence[int]) -> None:
        if tensor.dtype != self._dtype(dtype) or tensor.shape != tuple(shape):
            raise ValueError(f"the output is {tensor.dtype} {tensor.shape}, the tensor {dtype} {tuple(shape)}")

    def finished(self, tensor: Any) -> Any:
        return tensor

    @staticmethod
    def _dtype(name: str) -> Any:
        import numpy

        kind = _NUMPY.get(name)
        if kind is None:
            raise UnsupportedError(f"numpy has no type for {name}; read the bytes with get_bytes")
        if not kind.startswith("*"):
            return numpy.dtype(kind)
        try:
            import ml_dtypes
        except ImportError as error:
            raise UnsupportedError(f"numpy has {name} from ml_dtypes: pip install ranstream[numpy]") from error
        return numpy.dtype(getattr(ml_dtypes, kind[1:]))


class _Torch:
    """Tensors of torch, decoded into their own storage on the CPU, and brought to a device then."""

    def __init__(self, device: str) -> None:
        # It has types of its own, which not everybody has here.
        self._torch: Any = importlib.import_module("torch")
        self._device = device

    def empty(self, dtype: str, shape: Sequence[int]) -> Any:
        return self._torch.empty(tuple(shape), dtype=self._dtype(dtype))

    def bytes_of(self, tensor: Any) -> Any:
        if not tensor.is_contiguous():
            raise BufferError("the output is not contiguous")
        if str(tensor.device) != "cpu":
            raise ValueError(f"the output is on {tensor.device}; what is decoded goes to the CPU first")
        # A tensor without dimensions cannot be seen as bytes, one with a dimension can.
        return tensor.reshape(-1).view(self._torch.uint8).numpy()

    def check(self, tensor: Any, dtype: str, shape: Sequence[int]) -> None:
        if tensor.dtype != self._dtype(dtype) or tuple(tensor.shape) != tuple(shape):
            raise ValueError(f"the output is {tensor.dtype} {tuple(tensor.shape)}, the tensor {dtype} {tuple(shape)}")

    def finished(self, tensor: Any) -> Any:
        return tensor if self._device == "cpu" else tensor.to(self._device)

    def _dtype(self, name: str) -> Any:
        kind = getattr(self._torch, _TORCH.get(name, ""), None)
        if kind is None:
            raise UnsupportedError(f"torch has no type for {name}; read the bytes with get_bytes")
        return kind


class safe_open:
    """A model file, ``.safetensors`` or ``.gguf``, plain or compressed, opened by tensor.

    ``framework`` is ``"np"`` or ``"pt"``. Opening reads the tail, where the index is, and the
    file's own header; a tensor costs the blocks that it lies in. ``source`` is a path, bytes, or an
    object with ``size`` and ``read_at(offset, length)``. ``threads`` decode one tensor; 1 is the
    caller's own. ``base`` is the model file, plain or compressed, that tensors are differences
    from.

    ``backend="mmap"`` maps a file that is given by its path, where ``"read"`` asks the system for
    each range: what is in the system's cache then needs no call, but a file that gets shorter
    meanwhile ends the process.
    """

    def __init__(
        self,
        source: str | PathLike[str] | Any,
        framework: str = "np",
        device: str = "cpu",
        *,
        base: str | PathLike[str] | Base | None = None,
        threads: int = 1,
        backend: str = "read",
    ) -> None:
        if framework in ("np", "numpy"):
            self._maker: _Numpy | _Torch = _Numpy(device)
        elif framework in ("pt", "torch", "pytorch"):
            self._maker = _Torch(device)
        else:
            raise ValueError(f"framework is {framework!r}, neither np nor pt")
        if backend == "mmap":
            source = _mapped(source)
        elif backend != "read":
            raise ValueError(f"backend is {backend!r}, neither read nor mmap")
        self._archive: Archive | None = Archive(source, threads=threads, base=base_of(base))
        container, reason = self._archive.container
        if container == "opaque":
            raise NotRansError(f"no model file: {reason}")
        self._container = container

    def __enter__(self) -> safe_open:
        self._opened()
        return self

    def __exit__(self, *exception: object) -> None:
        self._archive = None

    def _opened(self) -> Archive:
        if self._archive is None:
            raise ValueError("the file is closed")
        return self._archive

    def keys(self) -> list[str]:
        """The names of all tensors, sorted."""
        return sorted(self._opened().keys())

    def offset_keys(self) -> list[str]:
        """The names of all tensors, in the order of their bytes."""
        return self._opened().keys()

    def metadata(self) -> dict[str, Any] | None:
        """What the header says beside the tensors; ``None`` for safetensors that say nothing."""
        found = self._opened().metadata()
        return None if not found and self._container == "safetensors" else found

    def get_shape(self, name: str) -> list[int]:
        return self._opened().info(name)[1]

    def get_dtype(self, name: str) -> str:
        """The name that the file has for the type: ``F32``, ``BF16``, ``Q4_K``."""
        return self._opened().info(name)[0]

    def info(self, name: str) -> dict[str, Any]:
        """Type, shape, bytes, and the file's own bytes that are read for a tensor."""
        dtype, shape, size, coded_size = self._opened().info(name)
        return {"dtype": dtype, "shape": shape, "size": size, "coded_size": coded_size}

    def get_tensor(self, name: str, out: Any = None) -> Any:
        """A tensor, in ``out`` if that is given: one of its type and shape, whose memory is used."""
        archive = self._opened()
        dtype, shape, size, _ = archive.info(name)
        if out is None:
            out = self._maker.empty(dtype, shape)
        else:
            self._maker.check(out, dtype, shape)
        if size:
            archive.decode_into(name, self._maker.bytes_of(out))
        return self._maker.finished(out)

    def get_tensors(self, names: Iterable[str] | None = None, *, threads: int = 0) -> dict[str, Any]:
        """Several tensors, all by default.

        Each block is decoded once, in the order of the file, by all cores.
        """
        archive = self._opened()
        tensors, outs = {}, {}
        for name in archive.keys() if names is None else names:
            dtype, shape, size, _ = archive.info(name)
            tensors[name] = self._maker.empty(dtype, shape)
            if size:
                outs[name] = self._maker.bytes_of(tensors[name])
        archive.decode_all(outs, threads=threads)
        return {name: self._maker.finished(tensor) for name, tensor in tensors.items()}

    def get_bytes(self, name: str) -> bytearray:
        """A tensor's bytes, of whatever type."""
        archive = self._opened()
        out = bytearray(archive.info(name)[2])
        if out:
            archive.decode_into(name, out)
        return out

    def get_slice(self, name: str) -> TensorSlice:
        """A tensor to be cut: only the rows that are asked for are decoded."""
        return TensorSlice(self, name)

    def _rows(self, name: str, start: int, stop: int) -> Any:
        archive = self._opened()
        dtype, shape, _, _ = archive.info(name)
        out = self._maker.empty(dtype, [stop - start, *shape[1:]])
        memory = self._maker.bytes_of(out)
        if len(memory):
            archive.decode_into(name, memory, start, stop)
        return out


def _mapped(path: str | PathLike[str]) -> mmap.mmap | bytes:
    """The bytes of a file. Of an empty one there is nothing to map."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if os.fstat(file.fileno()).st_size else b""


class TensorSlice:
    """A tensor that is decoded when it is cut, by rows."""

    def __init__(self, file: safe_open, name: str) -> None:
        self._file, self._name = file, name
        self._shape = file.get_shape(name)

    def get_shape(self) -> list[int]:
        return list(self._shape)

    def get_dtype(self) -> str:
        return self._file.get_dtype(self._name)

    def __getitem__(self, key: _Key) -> Any:
        first, *others = key if isinstance(key, tuple) else (key,)
        if not self._shape or first is Ellipsis:
            return self._file.get_tensor(self._name)[key]
        rows = self._shape[0]
        if isinstance(first, slice):
            start, stop, step = first.indices(rows)
            if step < 1:
                raise ValueError("rows are cut forwards")
            stop = max(start, stop)
            cut: Any = slice(None, None, step)
        elif isinstance(first, (bool, type(None))) or not hasattr(first, "__index__"):
            raise TypeError(f"rows are cut by a slice or a number, not by {type(first).__name__}")
        else:
            start = operator.index(first)
            start += rows if start < 0 else 0
            if not 0 <= start < rows:
                raise IndexError(f"row {first} of {rows}")
            stop, cut = start + 1, 0
        part = self._file._rows(self._name, start, stop)
        return self._file._maker.finished(part[(cut, *others)])
