"""Tests that fsspec, numcodecs and zarr publish for packages like this one.

They come with their packages. Of those for file systems here are the ones for reading: those for
copies, moves and writing have nothing to do on a file system that refuses all of them, which
`test_file_systems` sees to.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import ranstream

fsspec = pytest.importorskip("fsspec")
abstract = pytest.importorskip("fsspec.tests.abstract")
RansFileSystem = pytest.importorskip("ranstream.fsspec").RansFileSystem


class Filled(RansFileSystem):  # type: ignore[misc]
    """With what the scenarios of fsspec call to make files, each of them a stream, and to clean up."""

    cachable = False

    def mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        self.fs.mkdir(path, create_parents=create_parents)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.fs.makedirs(path, exist_ok=exist_ok)

    def pipe(self, path: str, value: bytes, **options: Any) -> None:
        self.fs.pipe_file(path, ranstream.compress(value))

    def touch(self, path: str, truncate: bool = True, **options: Any) -> None:
        self.pipe(path, b"")

    def rm(self, path: str, recursive: bool = False, maxdepth: int | None = None) -> None:
        self.fs.rm(path, recursive=recursive)


class TestReadingFiles(abstract.AbstractFixtures, abstract.AbstractGetTests):  # type: ignore[misc]
    """Files are fetched: one, lists, folders, and what patterns name, to places old and new."""

    @pytest.fixture
    def fs(self) -> Any:
        return Filled(fs=fsspec.filesystem("file", auto_mkdir=True))

    @pytest.fixture
    def fs_path(self, tmp_path_factory: pytest.TempPathFactory) -> str:
        return str(tmp_path_factory.mktemp("compressed"))

    @pytest.fixture
    def local_path(self, tmp_path: Path) -> str:
        return str(tmp_path)


numpy = pytest.importorskip("numpy")
published = pytest.importorskip("numcodecs.tests.common")
Rans = pytest.importorskip("ranstream.numcodecs").Rans

CODECS = [Rans(), Rans(level=0), Rans(level=1, block_size=4096), Rans(types=None), Rans(types="f32")]


def arrays() -> list[Any]:
    """The arrays that the compressors of numcodecs are tested with."""
    chosen = numpy.random.default_rng(11)
    return [
        numpy.arange(1000, dtype="i4"),
        numpy.linspace(1000, 1001, 1000, dtype="f8"),
        chosen.normal(1000, 1, (100, 10)),
        chosen.integers(0, 2, 1000).astype(bool).reshape(100, 10, order="F"),
        chosen.choice([b"a", b"bb", b"ccc"], 1000).reshape(10, 10, 10),
        chosen.integers(0, 2**60, 1000, dtype="u8").view("M8[ns]"),
        chosen.integers(0, 2**60, 1000, dtype="u8").view("m8[m]"),
    ]


@pytest.mark.parametrize("codec", CODECS, ids=repr)
def test_numcodecs_encode_decode(codec: Any) -> None:
    for array in arrays():
        published.check_encode_decode(array, codec)


@pytest.mark.parametrize("codec", CODECS, ids=repr)
def test_numcodecs_configuration(codec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published.check_config(codec)
    monkeypatch.setattr(published, "Rans", Rans, raising=False)
    published.check_repr(repr(codec))


def test_numcodecs_backwards_compatibility(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in ("writes", "reads"):
        published.check_backwards_compatibility("rans", arrays(), CODECS)


def test_numcodecs_objects_are_refused() -> None:
    published.check_err_encode_object_buffer(CODECS[0])
    published.check_err_decode_object_buffer(CODECS[0])


zarr = pytest.importorskip("zarr")
strategies = pytest.importorskip("zarr.testing.strategies")
given = pytest.importorskip("hypothesis").given
settings = pytest.importorskip("hypothesis").settings
data = pytest.importorskip("hypothesis.strategies").data


@settings(max_examples=25, deadline=None)
@given(data())
def test_zarr_arrays_of_any_type_and_chunks(chosen: Any) -> None:
    """Arrays, chunks and shards as zarr's own property tests draw them."""
    from ranstream.zarr import RansCodec

    array = chosen.draw(strategies.numpy_arrays())
    chunks = chosen.draw(strategies.chunk_shapes(shape=array.shape))
    cuts = all(chunk > 0 for chunk in chunks)
    shards = chosen.draw(strategies.shard_shapes(shape=array.shape, chunk_shape=chunks)) if cuts else None
    with warnings.catch_warnings():
        # Of types and codecs that zarr's specification has not.
        warnings.simplefilter("ignore")
        stored = zarr.create_array(
            {}, shape=array.shape, chunks=chunks, shards=shards, dtype=array.dtype, compressors=RansCodec(level=1)
        )
        stored[...] = array
        numpy.testing.assert_array_equal(stored[...], array)
