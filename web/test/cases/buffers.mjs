import { check, concat, equal, failure, modes, sameBytes, sample } from "../check.mjs";

export const buffers = [
  [
    "every mode and level comes back",
    async ({ api }) => {
      const raw = concat([sample(300_000), new Uint8Array(70_000).fill(7), sample(50_000, 3)]);
      const forms = new Set();
      for (const options of [
        {},
        { mode: "stored" },
        { mode: "single" },
        { mode: "interleaved" },
        { mode: "lanes", segmentLen: 16 << 10 },
        { mode: "pivot" },
        { prefer: "speed" },
        { prefer: "ratio", blockLen: 3000 },
        { level: 1 },
        { level: 5 },
        { level: 7, blockLen: 1 << 20 },
        { blockLen: 70_000, index: true },
        { contentCheck: true, contentLength: raw.length, scaleBits: 11 },
      ]) {
        const stream = await api.compress(raw, options);
        for (const mode of await modes(api, stream)) forms.add(mode);
        sameBytes(await api.decompress(stream), raw, JSON.stringify(options));
      }
      const numbers = new Uint8Array(Float32Array.from({ length: 100_000 }, (_, at) => Math.sin(at * at) / 9).buffer);
      const plain = await api.compress(numbers);
      for (const layout of ["bytes", "bf16", "f16", "f32", "f64", "i16", "i32", "i64"]) {
        const stream = await api.compress(numbers, { layout });
        for (const mode of await modes(api, stream)) forms.add(mode);
        sameBytes(await api.decompress(stream), numbers, layout);
        if (layout === "bytes") sameBytes(stream, plain, "no layout");
        if (layout === "f32") check(stream.length < plain.length, `${stream.length} bytes of planes, ${plain.length} without`);
      }
      for (const form of ["stored", "fill", "single-compact", "interleaved-compact", "lanes", "lz", "pivot", "planes"]) {
        check(forms.has(form), `no block was ${form}: ${[...forms]}`);
      }
    },
  ],
  [
    "nothing, one byte, and every shape of bytes",
    async ({ api }) => {
      for (const len of [0, 1, 2, 255, 256, 257]) {
        const raw = sample(len);
        sameBytes(await api.decompress(await api.compress(raw)), raw);
      }
      const raw = sample(1000);
      const stream = await api.compress(raw);
      const padded = new Uint8Array(stream.length + 9);
      padded.set(stream, 5);
      for (const view of [
        stream.buffer,
        new DataView(padded.buffer, 5, stream.length),
        padded.subarray(5, 5 + stream.length),
      ]) {
        sameBytes(await api.decompress(view), raw);
      }
      check((await failure(api.decompress("text"))) instanceof TypeError, "a string is no bytes");
      equal(stream.length > 0 && stream.buffer.byteLength === stream.length, true, "the result is a buffer of its own");
    },
  ],
  [
    "blocks say where they are",
    async ({ api }) => {
      const raw = sample(10_000);
      const stream = await api.compress(raw, { blockLen: 3000, mode: "lanes" });
      const found = [];
      for await (const block of api.blocks(stream)) found.push(block);
      equal(found.map((block) => [block.number, block.rawOffset, block.rawLen, block.mode]), [
        [0, 0, 3000, "lanes"],
        [1, 3000, 3000, "lanes"],
        [2, 6000, 3000, "lanes"],
        [3, 9000, 1000, "lanes"],
      ]);
      equal(found[0].offset, 8);
      equal(found[1].offset, 8 + found[0].codedLen);
      const last = found[3];
      const error = await failure((async () => {
        for await (const block of api.blocks(stream.subarray(0, last.offset + 3))) equal(block.number < 3, true);
      })());
      equal([error.code, error.offset], ["truncated", last.offset + 3]);
    },
  ],
  [
    "options outside their range are errors",
    async ({ api }) => {
      for (const options of [{ level: 10 }, { level: -1 }, { level: 1.5 }, { blockLen: 0 }, { blockLen: 2 ** 25 }, { mode: "zip" }, { layout: "f8" }, { scaleBits: 99 }]) {
        const error = await failure((async () => api.compress(sample(10), options))(), JSON.stringify(options));
        check(error instanceof api.RansError, `${error}`);
        equal(error.code, "invalid-option");
        equal([error.offset, error.block], [undefined, undefined]);
      }
      const short = await failure(api.compress(sample(10), { contentLength: 11 }));
      equal(short.code, "content-length");
    },
  ],
  [
    "limits hold",
    async ({ api }) => {
      const stream = await api.compress(new Uint8Array(3_000_000), { blockLen: 1 << 20 });
      for (const workers of [0, 2]) {
        for (const limits of [{ maxOutput: 2_000_000 }, { maxBlockLen: 1000 }, { maxMemory: 500_000 }]) {
          const error = await failure(api.decompress(stream, { ...limits, workers }), JSON.stringify(limits));
          equal(error.code, "limit-exceeded", JSON.stringify({ ...limits, workers }));
        }
      }
      equal((await api.decompress(stream, { maxOutput: 3_000_000, maxMemory: 8 << 20 })).length, 3_000_000);
    },
  ],
  [
    "concatenated streams, trailing data",
    async ({ api }) => {
      const [one, two] = [sample(5000), sample(4000, 9)];
      const both = concat([await api.compress(one), await api.compress(two)]);
      for (const workers of [0, 2]) {
        sameBytes(await api.decompress(both, { workers }), concat([one, two]));
        sameBytes(await api.decompress(both, { workers, singleStream: true }), one);
        const more = concat([both, sample(30)]);
        const error = await failure(api.decompress(more, { workers }));
        equal([error.code, error.offset], ["trailing-data", both.length]);
        sameBytes(await api.decompress(more, { workers, trailingData: "ignore" }), concat([one, two]));
      }
    },
  ],
];
