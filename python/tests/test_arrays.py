"""numcodecs and zarr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

numpy = pytest.importorskip("numpy")
numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")

RANDOM = numpy.random.default_rng(5)
ARRAYS = [
    numpy.arange(1000, dtype="i4"),
    numpy.linspace(1000, 1001, 1000, dtype="f8"),
    RANDOM.normal(0, 1, (10, 10, 10)),
    RANDOM.normal(0, 1, (10, 100)).astype("f4"),
    RANDOM.integers(0, 2, 1000, dtype=bool),
    RANDOM.choice([b"a", b"bb", b"ccc"], 1000),
    RANDOM.choice(["a", "bb", "ccc"], 1000),
    RANDOM.integers(0, 2**60, 1000, dtype="u8").view("M8[ns]"),
    RANDOM.integers(-128, 127, (3, 1000), dtype="i1"),
    numpy.asfortranarray(RANDOM.normal(0, 1, (20, 50))),
    numpy.zeros((0,), dtype="f4"),
]


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_a_chunk_of_any_type_comes_back(number: int, level: int) -> None:
    array = ARRAYS[number]
    codec = numcodecs.get_codec({"id": "rans", "level": level})
    coded = codec.encode(array)
    stored = array.tobytes(order="A")
    for kind in (bytes, bytearray, memoryview, lambda data: numpy.frombuffer(data, "u1")):
        assert bytes(codec.decode(kind(coded))) == stored
    out = numpy.empty_like(array)
    assert codec.decode(coded, out=out) is out
    assert (out == array).all()
    if array.nbytes:
        assert codec.decode(coded, out=bytearray(array.nbytes)) == stored


def test_a_codec_is_its_configuration() -> None:
    codec = numcodecs.get_codec({"id": "rans", "types": "f32", "level": 2, "block_size": 4096})
    config = json.loads(json.dumps(codec.get_config()))
    assert config == {"id": "rans", "types": "f32", "level": 2, "block_size": 4096}
    assert numcodecs.get_codec(config) == codec != numcodecs.get_codec({"id": "rans"})
    assert "level=2" in repr(codec)


def test_what_is_no_array_of_bytes_is_refused() -> None:
    codec = numcodecs.get_codec({"id": "rans"})
    for wrong in (numpy.array(["a", 1], dtype=object), numpy.zeros((10, 10))[:, ::2], 5):
        with pytest.raises((TypeError, ValueError)):
            codec.encode(wrong)
    with pytest.raises((OSError, EOFError)):
        codec.decode(codec.encode(ARRAYS[0])[:-5])
    with pytest.raises(ValueError):
        codec.decode(codec.encode(ARRAYS[0]), out=numpy.empty(10, dtype="u1"))
    for out in (numpy.empty(1000, dtype=object), numpy.empty((1000, 2), dtype="i4")[:, 0]):
        with pytest.raises((TypeError, ValueError)):
            codec.decode(codec.encode(ARRAYS[0]), out=out)


def test_a_level_makes_text_smaller() -> None:
    from conftest import text

    sizes = [len(numcodecs.get_codec({"id": "rans", "level": level}).encode(text(200_000))) for level in (0, 3)]
    assert sizes[1] < 0.8 * sizes[0] < 0.6 * 200_000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_array_is_written_and_read_by_zarr(tmp_path: Path, zarr_format: int) -> None:
    from ranstream.numcodecs import Rans
    from ranstream.zarr import RansCodec

    compressor: Any = Rans(level=1) if zarr_format == 2 else RansCodec(level=1)
    raw = numpy.round(RANDOM.normal(0, 20, (300, 400))).astype("i2")
    written = zarr.create_array(
        tmp_path / "a.zarr", shape=raw.shape, chunks=(100, 100), dtype=raw.dtype, compressors=compressor, zarr_format=zarr_format
    )
    written[:] = raw
    read = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert (read[:] == raw).all() and (read[150:160, 250] == raw[150:160, 250]).all()
    assert read.nbytes_stored() < 0.8 * raw.nbytes
    metadata = (tmp_path / "a.zarr" / ("zarr.json" if zarr_format == 3 else ".zarray")).read_text()
    assert ("ranstream.rans" if zarr_format == 3 else '"id": "rans"') in metadata


@pytest.mark.filterwarnings("ignore")
def test_shards_of_zarr_hold_streams(tmp_path: Path) -> None:
    from ranstream.zarr import RansCodec

    raw = numpy.arange(160_000, dtype="i4").reshape(400, 400)
    written = zarr.create_array(
        tmp_path / "s.zarr", shape=raw.shape, chunks=(50, 50), shards=(200, 200), dtype="i4", compressors=RansCodec()
    )
    written[:] = raw
    assert (zarr.open_array(tmp_path / "s.zarr", mode="r")[123:321, 77:301] == raw[123:321, 77:301]).all()
    assert RansCodec.from_dict(RansCodec(level=3).to_dict()) == RansCodec(level=3)
    # A damaged chunk is an error, and others are read.
    shard = next(path for path in (tmp_path / "s.zarr").rglob("*") if path.is_file() and path.suffix != ".json")
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    with pytest.raises(OSError):
        zarr.open_array(tmp_path / "s.zarr", mode="r")[:]


def test_the_entry_points_are_found_without_an_import_of_ours() -> None:
    import subprocess
    import sys

    for program in (
        "import numcodecs; print(numcodecs.get_codec({'id': 'rans'}))",
        "from zarr.registry import get_codec_class; print(get_codec_class('ranstream.rans'))",
        "import fsspec; print(fsspec.get_filesystem_class('rans'))",
    ):
        done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
        assert "rans" in done.stdout.lower(), done


@pytest.mark.filterwarnings("ignore")
def test_types_make_numbers_smaller(tmp_path: Path) -> None:
    import ranstream
    from ranstream.zarr import RansCodec

    ml_dtypes = pytest.importorskip("ml_dtypes")
    weights = RANDOM.normal(0, 0.02, 200_000)
    for kind, most in (("f4", 0.86), ("f8", 0.93), ("f2", 0.95), (ml_dtypes.bfloat16, 0.7)):
        array = weights.astype(kind)
        auto, plain = (numcodecs.get_codec({"id": "rans", "types": types}) for types in ("auto", None))
        assert len(auto.encode(array)) < most * array.nbytes
        assert len(auto.encode(array)) < 0.97 * len(plain.encode(array))
        assert bytes(auto.decode(auto.encode(array))) == array.tobytes()
    steps = numpy.cumsum(RANDOM.integers(0, 3, 100_000)).astype("i4")
    assert len(ranstream.compress(steps)) <= len(ranstream.compress(steps, types=None))
    assert ranstream.compress(steps) == ranstream.compress(steps.tobytes(), types="i32")
    big = steps.astype(">i4")
    assert ranstream.decompress(ranstream.compress(big)) == big.tobytes()
    with pytest.raises(ValueError, match="types"):
        ranstream.compress(steps, types="f31")
    with ranstream.open(tmp_path / "x.rans", "wb", types="i32") as file:
        file.write(steps)
    assert (tmp_path / "x.rans").stat().st_size <= len(ranstream.compress(steps, types=None))
    stored = []
    for types in ("auto", None):
        array = zarr.create_array(tmp_path / f"{types}.zarr", data=weights.astype("f4"), chunks=(50_000,), compressors=RansCodec(types=types))
        assert (array[:] == weights.astype("f4")).all()
        stored.append(array.nbytes_stored())
    assert stored[0] < 0.95 * stored[1]


@pytest.mark.parametrize("block_size", [1, 3, 5, 9, 1001])
def test_blocks_that_hold_no_whole_elements(block_size: int) -> None:
    import ranstream

    numbers = numpy.arange(1500, dtype="f8")
    stream = ranstream.compress(numbers, block_size=block_size)
    assert ranstream.decompress(stream) == numbers.tobytes()
