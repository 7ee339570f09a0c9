"""Torch itself, where it is installed: the gate has a fake of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy
import pytest

import ranstream

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

from ranstream.torch import iter_dir, load, load_file, load_into, load_model, save, save_file  # noqa: E402


def tensors() -> dict[str, Any]:
    torch.manual_seed(1)
    found = {
        "bf16": torch.randn(300, 64).to(torch.bfloat16),
        "f16": torch.randn(7, 3, 5).to(torch.float16),
        "f32": torch.randn(1000, 33),
        "f64": torch.randn(10, dtype=torch.float64),
        "scalar": torch.tensor(0.5, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 7),
        "mask": torch.randn(50) > 0,
        **{kind: torch.arange(-50, 50).to(getattr(torch, kind)) for kind in ("int8", "uint8", "int16", "int32", "int64")},
    }
    if hasattr(torch, "float8_e4m3fn"):
        found["fp8"] = torch.randn(64, 64).to(torch.float8_e4m3fn)
    return found


def same(ours: Any, theirs: Any) -> bool:
    def memory(tensor: Any) -> bytes:
        return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()) if tensor.numel() else b""

    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and memory(ours) == memory(theirs)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torch") / "m.safetensors.rans"
    save_file(tensors(), path, {"format": "pt"})
    return path


@pytest.mark.parametrize("backend", ["read", "mmap"])
def test_tensors_come_back_bit_for_bit(path: Path, backend: str) -> None:
    expected = tensors()
    with ranstream.safe_open(path, "pt", backend=backend) as file:
        assert file.keys() == sorted(expected) and file.metadata() == {"format": "pt"}
        for name, tensor in expected.items():
            assert same(file.get_tensor(name), tensor), name
            out = torch.empty_like(tensor)
            assert file.get_tensor(name, out=out) is out and same(out, tensor)
        assert same(file.get_slice("bf16")[10:20, ::3], expected["bf16"][10:20, ::3])
        with pytest.raises(BufferError):
            file.get_tensor("f32", out=torch.empty(33, 1000).t())
        with pytest.raises(ValueError):
            file.get_tensor("f32", out=torch.empty(1000, 33, device="meta"))
    for found in (load_file(path), load(path.read_bytes()), load(save(expected, profile="small"))):
        assert found.keys() == expected.keys() and all(same(found[name], expected[name]) for name in expected)
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = safetensors.load(ranstream.decompress(path.read_bytes()))
    assert all(same(theirs[name], tensor) for name, tensor in expected.items())


def module(device: str = "cpu") -> Any:
    return torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.Linear(30, 5)).to(torch.bfloat16).to(device)


def test_a_module_is_loaded_where_it_is(tmp_path: Path) -> None:
    saved = module()
    save_file(saved.state_dict(), tmp_path / "m.rans")
    target = module()
    places = [tensor.data_ptr() for tensor in target.state_dict().values()]
    assert load_into(target, tmp_path / "m.rans") == ([], [])
    assert places == [tensor.data_ptr() for tensor in target.state_dict().values()]
    other = module()
    assert load_model(other, tmp_path / "m.rans") == ([], [])
    for loaded in (target, other):
        assert all(same(loaded.state_dict()[name], tensor) for name, tensor in saved.state_dict().items())
        inputs = torch.ones(3, 40, dtype=torch.bfloat16)
        assert same(loaded(inputs).detach(), saved(inputs).detach())


def test_a_module_without_storage_gets_it(tmp_path: Path) -> None:
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 1):
        pytest.skip("torch before 2.1 cannot assign")
    saved = module()
    save_file(saved.state_dict(), tmp_path / "m.rans")
    target = module("meta")
    assert load_into(target, tmp_path / "m.rans") == ([], [])
    assert all(same(target.state_dict()[name], tensor) for name, tensor in saved.state_dict().items())


def test_a_folder_gives_one_tensor_at_a_time(path: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.rans").write_bytes(path.read_bytes())
    expected = tensors()
    found = dict(iter_dir(tmp_path, rank_slice=lambda name, shape: slice(0, 10) if name == "f32" else None))
    assert same(found.pop("f32"), expected.pop("f32")[:10])
    assert all(same(found[name], tensor) for name, tensor in expected.items())


class Rows(torch.utils.data.Dataset):  # type: ignore[misc]
    """Chunks that workers decode, with threads of their own."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __len__(self) -> int:
        return len(self.chunks)

    def __getitem__(self, number: int) -> Any:
        return torch.frombuffer(bytearray(ranstream.decompress(self.chunks[number], threads=2)), dtype=torch.float32)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_data_loader_decode(method: str) -> None:
    rows = numpy.random.default_rng(1).normal(0, 1, (16, 20_000)).astype("f4")
    chunks = [ranstream.compress(row, threads=2, block_size=10_000) for row in rows]
    assert ranstream.decompress(chunks[0], threads=2) == rows[0].tobytes()
    loader = torch.utils.data.DataLoader(Rows(chunks), batch_size=2, num_workers=2, multiprocessing_context=method)
    # A worker that hangs is a failure, not a wait.
    watch = threading.Timer(120, os.abort)
    watch.start()
    try:
        for _ in range(2):
            assert torch.cat(list(loader)).numpy().tobytes() == rows.tobytes()
    finally:
        watch.cancel()
