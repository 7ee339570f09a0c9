"""The few things of torch that `ranstream.torch` touches, over numpy: what runs where torch is not installed."""

from __future__ import annotations

import sys
import types
from typing import Any

import ml_dtypes
import numpy

_KINDS = {
    "bool": bool,
    **{name: name for name in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64")},
    **{name: name for name in ("float16", "float32", "float64", "complex64")},
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
}


class dtype:
    def __init__(self, name: str) -> None:
        self.name, self.numpy = name, numpy.dtype(_KINDS[name])

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class Tensor:
    def __init__(self, array: Any, kind: dtype, device: str = "cpu") -> None:
        self.array, self.dtype, self.device = array, kind, device

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape)

    def is_contiguous(self) -> bool:
        return bool(self.array.flags.c_contiguous)

    def reshape(self, *shape: int) -> Tensor:
        return Tensor(self.array.reshape(*shape), self.dtype, self.device)

    def view(self, kind: dtype) -> Tensor:
        if self.array.ndim == 0:
            raise RuntimeError("self.dim() cannot be 0 to view it as a type of another size")
        return Tensor(self.array.view(kind.numpy), kind, self.device)

    def numpy(self) -> Any:
        if self.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            raise TypeError(f"Got unsupported ScalarType {self.dtype.name}")
        if self.device != "cpu":
            raise TypeError("can't convert a tensor of another device to numpy")
        return self.array

    def to(self, device: str) -> Tensor:
        return Tensor(self.array.copy(), self.dtype, device)

    def __getitem__(self, key: Any) -> Tensor:
        return Tensor(self.array[key], self.dtype, self.device)


class Module:
    """A module with some tensors."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors = tensors

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self.tensors)

    def load_state_dict(self, state: dict[str, Tensor], strict: bool = True, assign: bool = False) -> tuple[list[str], list[str]]:
        missing, unexpected = sorted(self.tensors.keys() - state), sorted(state.keys() - self.tensors)
        if strict and (missing or unexpected):
            raise RuntimeError("keys differ")
        for name in self.tensors.keys() & state.keys():
            if assign:
                self.tensors[name] = state[name]
            else:
                self.tensors[name].array[...] = state[name].array
        return missing, unexpected


def module() -> types.ModuleType:
    fake: Any = types.ModuleType("torch")
    fake.__dict__.update({name: dtype(name) for name in _KINDS})
    fake.Tensor = Tensor
    fake.empty = lambda shape, dtype, device="cpu": Tensor(numpy.empty(shape, dtype.numpy), dtype, device)
    return fake


def install(monkeypatch: Any) -> Any:
    fake = module()
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake
