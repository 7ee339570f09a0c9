import { check, concat, drain, equal, failure, inChunks, later, sameBytes, sample } from "../check.mjs";

export const workers = [
  [
    "workers give the same bytes in the same order",
    async ({ api }) => {
      const raw = concat([sample(1_000_000), new Uint8Array(300_000), sample(700_001, 5)]);
      for (const options of [{ blockLen: 10_000, contentCheck: true }, { level: 3, blockLen: 200_000 }, { blockLen: 900_000 }]) {
        const stream = await api.compress(raw, options);
        for (const count of [1, 2, 3]) {
          sameBytes(await api.decompress(stream, { workers: count }), raw, JSON.stringify({ ...options, count }));
        }
        const { good } = await drain(inChunks(stream, 5000).pipeThrough(new api.RansDecoderStream({ workers: 2 })));
        sameBytes(good, raw);
      }
    },
  ],
  [
    "workers encode to the same stream",
    async ({ api }) => {
      const raw = concat([sample(1_000_000), new Uint8Array(300_000), sample(700_001, 5)]);
      for (const options of [
        { blockLen: 10_000, contentCheck: true, index: true },
        { contentLength: raw.length },
        { level: 0, blockLen: 900_000 },
        { layout: "f32", blockLen: 200_000 },
      ]) {
        const stream = await api.compress(raw, options);
        for (const count of [1, 3]) sameBytes(await api.compress(raw, { ...options, workers: count }), stream, JSON.stringify({ ...options, count }));
        const { good } = await drain(inChunks(raw, 7001).pipeThrough(new api.RansEncoderStream({ ...options, workers: 2 })));
        sameBytes(good, stream, `${JSON.stringify(options)} in chunks`);
      }
      for (const few of [new Uint8Array(), sample(1)]) sameBytes(await api.compress(few, { workers: 2 }), await api.compress(few));
      equal((await failure(api.compress(raw, { contentLength: 7, workers: 2 }))).code, "content-length");
      equal((await failure(api.compress(raw, { scaleBits: 99, workers: 2 }))).code, "invalid-option");
    },
  ],
  [
    "a block that is done does not wait for input that is not",
    async ({ api }) => {
      const raw = sample(30_000);
      const stream = await api.compress(raw, { blockLen: 10_000 });
      const decoder = new api.RansDecoderStream({ workers: 2 });
      const writer = decoder.writable.getWriter();
      const reader = decoder.readable.getReader();
      const half = writer.write(stream.subarray(0, stream.length - 30));
      const parts = [(await reader.read()).value, (await reader.read()).value];
      sameBytes(concat(parts), raw.subarray(0, 20_000));
      void half;
      void writer.write(stream.subarray(stream.length - 30));
      void writer.close();
      sameBytes((await reader.read()).value, raw.subarray(20_000));
      equal((await reader.read()).done, true);
    },
  ],
  [
    "a wrong check over all raw bytes is found with workers, too",
    async ({ api, url, fetch }) => {
      const stream = new Uint8Array(await (await fetch(`${url}/golden/bad-content-check.rans`)).arrayBuffer());
      const errors = [];
      for (const count of [0, 2]) {
        const { code, offset, message } = await failure(api.decompress(stream, { workers: count }));
        errors.push([code, offset, message]);
      }
      equal(errors[1], errors[0]);
      check(errors[0][2].includes("content check"), errors[0][2]);
    },
  ],
  [
    "a worker that cannot start is an error, not a hang",
    async ({ api, isNode }) => {
      if (isNode) return "browsers only: it takes a worker of the caller's";
      const stream = await api.compress(sample(1000));
      const createWorker = () => new Worker("/no/such/module.js", { type: "module", name: "ranstream" });
      equal((await failure(api.decompress(stream, { workers: 1, createWorker }))).code, "worker-lost");
      equal((await failure(api.compress(sample(1000), { workers: 1, createWorker }))).code, "worker-lost");
      await later(1);
    },
  ],
];
