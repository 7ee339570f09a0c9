#!/usr/bin/env bash
# The Python package: builds the wheel, installs it, and runs its tests, its types and the examples
# of docs/python.md. Needs Python 3.11 or later with venv, and packages from an index for the tests;
# where one of them is not to be had it says so and skips what needs it.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    printf 'python: skipped, %s\n' "$*"
    exit 0
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || skip "there is no $python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || skip "$("$python" --version) is older than 3.11"
"$python" -c 'import venv, ensurepip' 2>/dev/null || skip "this Python makes no virtual environments"

# Kept between runs: to install its packages takes longer than all tests.
venv=target/python/venv
wheels=target/python/wheels
packages=(maturin numpy numcodecs zarr fsspec 'dask[dataframe]' distributed ml_dtypes pandas pyarrow safetensors hypothesis mypy pytest pandas-stubs)
list=$(printf '%s\n' "$("$python" --version)" "${packages[@]}")
if [ "$(cat "$venv/packages" 2>/dev/null)" != "$list" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check "${packages[@]}" || skip "the packages of its tests cannot be installed"
    printf '%s\n' "$list" >"$venv/packages"
fi

printf '== wheel\n'
rm -rf "$wheels"
"$venv/bin/maturin" build --release -q -m python/Cargo.toml -i "$venv/bin/python" -o "$wheels"
wheel=$(echo "$wheels"/*.whl)
size=$(wc -c <"$wheel")
printf '%s: %s bytes\n' "$(basename "$wheel")" "$size"
[ "$size" -le 2000000 ] || { printf 'the wheel is larger than 2 MB\n'; exit 1; }

printf '== alone, without any other package\n'
rm -rf target/python/bare
"$python" -m venv target/python/bare
target/python/bare/bin/pip install -q --disable-pip-version-check --no-index "$wheel"
target/python/bare/bin/python -I -X dev -W error -c '
import sys, ranstream
assert ranstream.decompress(ranstream.compress(b"it works")) == b"it works"
assert not {"numpy", "fsspec", "numcodecs", "dask", "torch"} & set(sys.modules), "imported what was not asked for"
'

printf '== types\n'
"$venv/bin/pip" install -q --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
root=$PWD
# Away from the sources here and below, so that the installed package is what is seen.
(
    cd target/python
    "$root/$venv/bin/mypy" --config-file "$root/python/pyproject.toml" -p ranstream
    "$root/$venv/bin/python" -m mypy.stubtest ranstream._native
)

printf '== tests\n'
(cd python/tests && "$root/$venv/bin/python" -X dev -P -m pytest -q -c ../pyproject.toml -p no:cacheprovider . "$@")
