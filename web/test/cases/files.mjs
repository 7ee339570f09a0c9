import { check, concat, drain, equal, failure, sameBytes, sample } from "../check.mjs";

/**
 * Puts a file on the server; its address, and a function that says what was asked for since the
 * last time.
 */
async function serve({ url, fetch }, name, bytes, behaviour = "ranges") {
  await fetch(`${url}/put/${name}`, { method: "PUT", body: bytes });
  const address = `${url}/${behaviour}/${name}`;
  const asked = async () => (await fetch(`${url}/asked/${name}`)).json();
  await asked();
  return { address, asked };
}

const raw = sample(3_000_000);

export const files = [
  [
    "with an index: two requests to open, one for a read",
    async (context) => {
      const { api } = context;
      const stream = await api.compress(raw, { blockLen: 10_000, index: true });
      const { address, asked } = await serve(context, "indexed", stream);
      const file = await api.RansFile.open(address);
      equal(file.codedLength, stream.length);
      equal(await file.length(), raw.length);
      const opening = await asked();
      equal(opening.length, 2, "requests to open");
      check(opening.every(([from, to]) => to - from <= 16 << 10), `${JSON.stringify(opening)}`);

      sameBytes(await file.read(1_234_567, 1_234_667), raw.subarray(1_234_567, 1_234_667));
      const one = await asked();
      equal(one.length, 1, "requests for a read of one block");
      check(one[0][1] - one[0][0] < 10_000, `one block was ${JSON.stringify(one)}`);

      sameBytes(await file.read(1_000_001, 2_000_001), raw.subarray(1_000_001, 2_000_001));
      const many = await asked();
      equal(many.length, 1, "requests for a read of 101 blocks");
      check(many[0][1] - many[0][0] < 0.4 * stream.length, "no more than those blocks");

      sameBytes(await file.read(2_999_990, 5_000_000), raw.subarray(2_999_990), "a read over the end");
      equal((await file.read(3_000_000)).length, 0, "a read behind the end");
      equal((await file.read(5, 5)).length, 0, "an empty read");
      await asked();
      sameBytes(await file.read(2_999_991, 2_999_999), raw.subarray(2_999_991, 2_999_999), "the block decoded last");
      equal((await asked()).length, 0, "requests for a block that is here");
      file.close();
      equal((await failure(file.read(0, 1))).code, "finished");
    },
  ],
  [
    "without an index: from header to header",
    async (context) => {
      const { api } = context;
      const stream = await api.compress(raw, { blockLen: 500_000 });
      const { address, asked } = await serve(context, "plain", stream);
      const file = await api.RansFile.open(address);
      const opening = await asked();
      check(opening.length <= 10, `${opening.length} requests for 6 headers`);
      const bytes = opening.reduce((sum, [from, to]) => sum + to - from, 0);
      check(bytes < 50_000, `${bytes} bytes for headers`);
      sameBytes(await file.read(700_000, 700_010), raw.subarray(700_000, 700_010));
      equal((await asked()).length, 1);
      file.close();
    },
  ],
  [
    "reads that overlap, streams, concatenated streams, levels",
    async (context) => {
      const { api } = context;
      const options = { blockLen: 100_000, index: true };
      const stream = concat([await api.compress(raw, { ...options, level: 3 }), await api.compress(raw.subarray(0, 50_000), options)]);
      const whole = concat([raw, raw.subarray(0, 50_000)]);
      const { address } = await serve(context, "two", stream);
      for (const source of [address, new Blob([stream]), { size: stream.length, read: async (from, to) => stream.slice(from, to) }]) {
        const file = await api.RansFile.open(source);
        const places = [...Array(20).keys()].map((turn) => (turn * 777_777) % 3_000_000);
        const parts = await Promise.all(places.map((at) => file.read(at, at + 60_000)));
        parts.forEach((part, turn) => sameBytes(part, whole.subarray(places[turn], places[turn] + 60_000), `read ${turn}`));
        const { good, error } = await drain(file.stream(123, 3_040_000));
        check(error === undefined, `${error}`);
        sameBytes(good, whole.subarray(123, 3_040_000));
        sameBytes(await file.read(), whole);
        equal(await file.length(), whole.length);
        file.close();
      }
    },
  ],
  [
    "damage elsewhere does not matter, damage there is reported behind good bytes",
    async ({ api }) => {
      const stream = await api.compress(raw, { blockLen: 100_000, index: true });
      const blocks = [];
      for await (const block of api.blocks(stream)) blocks.push(block);
      const bad = stream.slice();
      bad[blocks[10].offset + 100] ^= 8;
      const file = await api.RansFile.open(new Blob([bad]));
      sameBytes(await file.read(0, 1_000_000), raw.subarray(0, 1_000_000));
      sameBytes(await file.read(1_100_000, 1_500_000), raw.subarray(1_100_000, 1_500_000));
      const error = await failure(file.read(1_050_000, 1_050_001));
      equal([error.code, error.offset, error.block], ["corrupt", blocks[10].offset, 10]);
      const { good, error: late } = await drain(file.stream(900_000));
      sameBytes(good, raw.subarray(900_000, 1_000_000));
      equal(late.block, 10);
      sameBytes(await file.read(1_100_000, 1_100_100), raw.subarray(1_100_000, 1_100_100), "and it goes on");
      file.close();
      const cut = await api.RansFile.open(new Blob([stream.subarray(0, blocks[20].offset + 5)]));
      sameBytes(await cut.read(1_900_000, 2_000_000), raw.subarray(1_900_000, 2_000_000));
      equal((await failure(cut.length())).code, "truncated");
      equal((await failure(cut.read(2_000_000, 2_000_001))).code, "truncated");
      cut.close();
    },
  ],
  [
    "what is no stream, or empty, or a lie in its index",
    async (context) => {
      const { api, url, fetch } = context;
      equal((await failure(api.RansFile.open(new Blob([sample(5000)])))).code, "not-a-stream");
      equal((await failure(api.RansFile.open(new Blob([])))).code, "truncated");
      const { address } = await serve(context, "nothing", new Uint8Array());
      equal((await failure(api.RansFile.open(address))).code, "truncated");
      const empty = await api.RansFile.open(new Blob([await api.compress(new Uint8Array(), { index: true })]));
      equal([await empty.length(), (await empty.read()).length], [0, 0]);
      empty.close();
      const lie = await (await fetch(`${url}/golden/bad-index-lies-cancel.rans`)).blob();
      const file = await api.RansFile.open(lie, { verifyIndex: true });
      equal((await failure(file.read(0, 1e9))).code, "corrupt");
      file.close();
    },
  ],
  [
    "servers: no ranges, another version, short and long answers, none",
    async (context) => {
      const { api } = context;
      const stream = await api.compress(raw, { blockLen: 100_000, index: true });
      const whole = await serve(context, "whole", stream, "no-ranges");
      const file = await api.RansFile.open(whole.address);
      sameBytes(await file.read(2_000_000, 2_000_100), raw.subarray(2_000_000, 2_000_100));
      equal((await whole.asked()).length, 1, "one request brings all of it");
      file.close();
      equal((await failure(api.RansFile.open(whole.address, { maxWholeFile: 1000 }))).code, "source");
      for (const [behaviour, code] of [["changing", "source-changed"], ["short", "source"], ["long", "source"], ["missing", "source"]]) {
        const { address } = await serve(context, behaviour, stream, behaviour);
        const work = (async () => (await api.RansFile.open(address)).read(2_000_000, 2_000_100))();
        const error = await failure(work, behaviour);
        // A browser may see to it first.
        equal(error instanceof TypeError && code === "source" ? "source" : error.code, code, `${behaviour}: ${error}`);
      }
      const { address } = await serve(context, "signal", stream);
      const controller = new AbortController();
      const stopped = await api.RansFile.open(address, { signal: controller.signal });
      controller.abort();
      equal((await failure(stopped.read(1_000_000, 1_000_001))).name, "AbortError");
    },
  ],
];
