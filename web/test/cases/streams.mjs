import { check, concat, drain, equal, failure, inChunks, isPending, later, sameBytes, sample } from "../check.mjs";

export const streams = [
  [
    "streams, whatever the chunks",
    async ({ api }) => {
      const raw = sample(40_000);
      for (const options of [{ blockLen: 1000, index: true, contentCheck: true }, { level: 3 }, {}]) {
        const whole = await api.compress(raw, options);
        for (const len of [1, 7, 999, 1000, 1001, 65_536]) {
          const { good: coded } = await drain(inChunks(raw, len).pipeThrough(new api.RansEncoderStream(options)));
          sameBytes(coded, whole, `coded in chunks of ${len}`);
          const { good, error } = await drain(inChunks(coded, len).pipeThrough(new api.RansDecoderStream()));
          check(error === undefined, `${error}`);
          sameBytes(good, raw, `decoded in chunks of ${len}`);
        }
      }
    },
  ],
  [
    "empty chunks and buffers of every kind are taken",
    async ({ api }) => {
      const raw = sample(3000);
      const encoder = new api.RansEncoderStream();
      const coded = drain(encoder.readable);
      const writer = encoder.writable.getWriter();
      await writer.write(new Uint8Array());
      await writer.write(raw.slice(0, 1000).buffer);
      await writer.write(new DataView(raw.buffer, 1000));
      await writer.close();
      sameBytes(await api.decompress((await coded).good), raw);
      const bad = new api.RansDecoderStream();
      const result = drain(bad.readable);
      check((await failure(bad.writable.getWriter().write("text"))) instanceof TypeError, "a string is no bytes");
      check((await result).error instanceof TypeError, "and the reader hears of it");
    },
  ],
  [
    "a flushed chunk can be read before the next is written",
    async ({ api }) => {
      for (const workers of [0, 2]) {
        const encoder = new api.RansEncoderStream({ flushEachChunk: true, workers });
        const reader = encoder.readable.pipeThrough(new api.RansDecoderStream()).getReader();
        const writer = encoder.writable.getWriter();
        for (let turn = 1; turn <= 5; turn += 1) {
          const message = sample(100 * turn, turn);
          void writer.write(message);
          sameBytes((await reader.read()).value, message, `message ${turn} with ${workers} workers`);
        }
        const closed = writer.close();
        equal((await reader.read()).done, true);
        await closed;
      }
    },
  ],
  [
    "back-pressure: what nobody reads is not decoded",
    async ({ api }) => {
      // 1 GiB in a few hundred bytes.
      const zeros = new ReadableStream({
        pull(controller) {
          this.left ??= 64;
          if (this.left-- === 0) controller.close();
          else controller.enqueue(new Uint8Array(16 << 20));
        },
      });
      const { good: bomb } = await drain(zeros.pipeThrough(new api.RansEncoderStream({ blockLen: 16 << 20 })));
      check(bomb.length < 2000, `the bomb has ${bomb.length} bytes`);
      for (const workers of [0, 2]) {
        const decoder = new api.RansDecoderStream({ workers });
        const writer = decoder.writable.getWriter();
        const written = writer.write(bomb);
        const written2 = writer.write(new Uint8Array());
        written.catch(() => {});
        written2.catch(() => {});
        const reader = decoder.readable.getReader();
        equal((await reader.read()).value.length, 16 << 20);
        equal((await reader.read()).value.length, 16 << 20);
        check(await isPending(written), "a write is done only when its chunk is used up");
        await reader.cancel("enough");
        equal(await failure(written), "enough");
      }
    },
  ],
  [
    "back-pressure: a source is not asked for more than is read",
    async ({ api }) => {
      const raw = sample(4 << 20);
      const coded = await api.compress(raw, { blockLen: 64 << 10 });
      const chunks = { count: 0 };
      const reader = inChunks(coded, 4096, chunks).pipeThrough(new api.RansDecoderStream()).getReader();
      await later(30);
      check(chunks.count <= 3, `${chunks.count} chunks were asked for and nothing was read`);
      await reader.read();
      await later(30);
      const after = chunks.count;
      check(after * 4096 < (2 * coded.length) / 64 + 4 * 4096, `${after} chunks were asked for one block`);
      await reader.cancel();
    },
  ],
  [
    "an abort reaches the reader, a cancel the writer and the source",
    async ({ api }) => {
      const raw = sample(300_000);
      for (const make of [() => new api.RansEncoderStream({ blockLen: 1000 }), () => new api.RansEncoderStream({ blockLen: 1000, workers: 2 }), () => new api.RansDecoderStream(), () => new api.RansDecoderStream({ workers: 2 })]) {
        const bytes = make() instanceof api.RansEncoderStream ? raw : await api.compress(raw, { blockLen: 1000 });
        const aborted = make();
        const writer = aborted.writable.getWriter();
        writer.closed.catch(() => {});
        const pending = aborted.readable.getReader();
        void writer.write(bytes.subarray(0, 50_000)).catch(() => {});
        await pending.read();
        const reason = new Error("the user left");
        await writer.abort(reason);
        equal((await failure(pending.read())) === reason, true, "the reader gets the reason");

        const chunks = { count: 0, cancelled: undefined };
        const reader = inChunks(bytes, 1000, chunks).pipeThrough(make()).getReader();
        await reader.read();
        await reader.cancel("enough");
        for (let turn = 0; turn < 50 && !chunks.cancelled; turn += 1) await later(2);
        equal(chunks.cancelled?.reason, "enough", "the source's reason");
        check(chunks.count < 200, `${chunks.count} chunks were read after all`);

        const controller = new AbortController();
        const piped = make();
        const through = inChunks(bytes, 1000).pipeTo(piped.writable, { signal: controller.signal });
        const piper = piped.readable.getReader();
        await piper.read();
        controller.abort();
        // A pipe first waits for the write under way, as it does with every transform, and so for a
        // reader.
        const read = failure((async () => { for (;;) if ((await piper.read()).done) return; })());
        equal((await failure(through)).name, "AbortError");
        equal((await read).name, "AbortError");
      }
    },
  ],
  [
    "an error comes behind the good blocks, on both sides, and stops the source",
    async ({ api }) => {
      const raw = sample(100_000);
      const coded = await api.compress(raw, { blockLen: 1000 });
      const blocks = [];
      for await (const block of api.blocks(coded)) blocks.push(block);
      const bad = coded.slice();
      bad[blocks[40].offset + 20] ^= 1;
      for (const workers of [0, 3]) {
        const chunks = { count: 0, cancelled: undefined };
        const { good, error } = await drain(inChunks(bad, 500, chunks).pipeThrough(new api.RansDecoderStream({ workers })));
        sameBytes(good, raw.subarray(0, 40_000), "what came before");
        check(error instanceof api.RansError, `${error}`);
        equal([error.code, error.offset, error.block], ["corrupt", blocks[40].offset, 40]);
        for (let turn = 0; turn < 50 && !chunks.cancelled; turn += 1) await later(2);
        check(chunks.cancelled?.reason === error, "the source is told");

        const decoder = new api.RansDecoderStream({ workers });
        const writer = decoder.writable.getWriter();
        const result = drain(decoder.readable);
        writer.write(coded.subarray(0, coded.length - 1)).catch(() => {});
        const late = await failure(writer.close(), "closing a cut stream");
        equal([late.code, late.offset], ["truncated", coded.length - 1]);
        sameBytes((await result).good, raw, "a cut at the end costs no block");
      }
    },
  ],
  [
    "a reader of the first stream stops there",
    async ({ api }) => {
      const [one, two] = [sample(5000), sample(500_000, 2)];
      const both = concat([await api.compress(one), await api.compress(two)]);
      const chunks = { count: 0, cancelled: undefined };
      const { good, error } = await drain(inChunks(both, 1000, chunks).pipeThrough(new api.RansDecoderStream({ singleStream: true })));
      check(error === undefined, `${error}`);
      sameBytes(good, one);
      await later(30);
      check(chunks.count < 20, `${chunks.count} chunks were asked for`);
    },
  ],
];
