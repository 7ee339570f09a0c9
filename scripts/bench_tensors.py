"""The packages zipnn and lmzip beside ours, over the same files in one run, and the tables of docs/tensors.md.

bench_tensors.py LINES FILE... : LINES is what `tensors measure` printed. Time is the processor's time of this process,
with one thread; both packages write to new memory each time, or to a new file in memory.
"""

import os
import statistics
import sys
import tempfile
import time

ROUNDS = 3


def timed(call):
    times, result = [], None
    for _ in range(ROUNDS):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return statistics.median(times), result


def zipnn_figures(path, raw):
    from zipnn import ZipNN

    dtype = next((name for key, name in [("bf16", "bfloat16"), ("f16", "float16"), ("f32", "float32")] if key in path), None)
    dtype = dtype or ("float32" if path.endswith(".safetensors") and "int8" not in path else None)
    if dtype is None:
        return None
    coder = ZipNN(input_format="byte", bytearray_dtype=dtype, threads=1)
    # It works on its input where that lies: each round gets a copy, which no time is counted for.
    copies = [bytearray(raw) for _ in range(ROUNDS)]
    encode, coded = timed(lambda: bytes(coder.compress(copies.pop())))
    copies = [bytes(bytearray(coded)) for _ in range(ROUNDS)]
    decode, back = timed(lambda: coder.decompress(copies.pop()))
    assert bytes(back) == raw, "zipnn does not restore the file"
    return len(coded), encode, decode


def lmz_figures(path, raw):
    from lmz import api

    shm = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        source, coded, back = (os.path.join(folder, name) for name in (os.path.basename(path), "coded.lmz", "back"))
        with open(source, "wb") as file:
            file.write(raw)

        def compress():
            if os.path.exists(coded):
                os.remove(coded)
            api.compress(source, coded, workers=1)

        def decompress():
            if os.path.exists(back):
                os.remove(back)
            api.decompress(coded, back, workers=1)

        encode, _ = timed(compress)
        decode, _ = timed(decompress)
        with open(back, "rb") as file:
            assert file.read() == raw, "lmz does not restore the file"
        return os.path.getsize(coded), encode, decode


def main():
    lines, files = sys.argv[1], sys.argv[2:]
    figures = {}
    for line in open(lines):
        file, way, threads, coded, raw, encode, decode = line.rstrip("\n").split("\t")
        figures.setdefault(file, {})[way, threads] = int(coded), int(raw), float(encode), float(decode)
    for path in files:
        with open(path, "rb") as file:
            raw = file.read()
        name = os.path.basename(path)
        for way, measure in [("zipnn", zipnn_figures), ("lmz", lmz_figures)]:
            try:
                found = measure(path, raw)
            except Exception as error:  # A package that is not there, or cannot read a file, is said so.
                print(f"{way}, {name}: {error!r}", file=sys.stderr)
                continue
            if found:
                coded, encode, decode = found
                figures.setdefault(name, {})[way, "1"] = coded, len(raw), len(raw) / encode, len(raw) / decode
    table(figures, "Size, % of the file:", ["fast", "small", "device", "lmz", "zipnn", "bytes", "zstd -3", "zstd -19"], lambda f: f"{100 * f[0] / f[1]:.2f}")
    speeds = ["fast", "fast, new memory", "small", "device", "lmz", "zipnn", "zstd -3"]
    table(figures, "Decoding, GB/s of raw bytes, one thread:", speeds, lambda f: f"{f[3] / 1e9:.2f}")
    table(figures, "Encoding, GB/s of raw bytes, one thread:", ["fast", "small", "device", "lmz", "zipnn", "zstd -3"], lambda f: f"{f[2] / 1e9:.2f}")
    bases = {file: ways for file, ways in figures.items() if ("over a base", "1") in ways}
    print("Over a base, size in % of the file, and GB/s of raw bytes with one thread:\n")
    print("| file | size | small | encode | decode | decode, small |\n|---|---:|---:|---:|---:|---:|")
    for file, ways in bases.items():
        fast, small = ways["over a base", "1"], ways["over a base, small", "1"]
        sizes = [100 * way[0] / way[1] for way in (fast, small)]
        print(f"| {file} | {sizes[0]:.2f} | {sizes[1]:.2f} | {fast[2] / 1e9:.2f} | {fast[3] / 1e9:.2f} | {small[3] / 1e9:.2f} |")


def table(figures, title, ways, shown):
    print(f"{title}\n\n| file | MB | {' | '.join(ways)} |\n|---|---:|{'---:|' * len(ways)}")
    for file, measured in figures.items():
        if not any((way, "1") in measured for way in ways):
            continue
        raw = next(iter(measured.values()))[1]
        cells = [shown(measured[way, "1"]) if (way, "1") in measured else "" for way in ways]
        print(f"| {file} | {raw / 1e6:.1f} | {' | '.join(cells)} |")
    print()


main()
