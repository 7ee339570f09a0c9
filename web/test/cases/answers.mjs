import { check, drain, equal, inChunks, modes, sameBytes } from "../check.mjs";

/** Streams of `answers.rs`, and blocks that they have to have. */
const FORMS = {
  single: "single-compact",
  interleaved: "interleaved-compact",
  lanes: "lanes",
  segments: "lanes",
  pivot: "pivot",
  lz: "lz",
  planes: "planes",
  "application-data": "application-data",
};

/** What the package says, as `answers.rs` writes it. */
async function answer(api, stream, options, raw) {
  const { good, error } = await drain(inChunks(stream, stream.length || 1).pipeThrough(new api.RansDecoderStream(options)));
  if (raw) sameBytes(good, raw.subarray(0, good.length), "good bytes");
  if (!error) return [good.length, null, null, null, null];
  check(error instanceof api.RansError, `${error?.stack}`);
  return [good.length, error.code, error.offset ?? null, error.block ?? null, error.message];
}

async function load({ url, fetch }) {
  const bytes = async (path) => new Uint8Array(await (await fetch(`${url}${path}`)).arrayBuffer());
  const answers = await (await fetch(`${url}/dist/answers/answers.json`)).json();
  const streams = {};
  for (const name of Object.keys(answers.streams)) {
    streams[name] = [await bytes(`/dist/answers/${name}.raw`), await bytes(`/dist/answers/${name}.rans`)];
  }
  return { answers, streams, bytes };
}

export const answers = [
  [
    "every golden stream is what the crate says it is",
    async (context) => {
      const { answers, bytes } = await load(context);
      const names = Object.keys(answers.golden);
      check(names.length > 200, `${names.length} golden streams`);
      for (const name of names) {
        const stream = await bytes(`/golden/${name}`);
        for (const workers of [0, 1]) {
          const found = await answer(context.api, stream, { workers });
          equal(found, answers.golden[name], `${name} with ${workers} workers`);
        }
      }
      return `${names.length} streams`;
    },
  ],
  [
    "every cut is what the crate says it is",
    async (context) => {
      const { answers, streams } = await load(context);
      for (const [name, form] of Object.entries(FORMS)) {
        const found = await modes(context.api, streams[name][1]);
        check(found.includes(form), `${name} has no block of ${form}: ${found}`);
      }
      let count = 0;
      for (const [name, cuts] of Object.entries(answers.streams)) {
        const [raw, stream] = streams[name];
        equal(cuts.length, stream.length, `cuts of ${name}`);
        for (let len = 0; len < stream.length; len += 1) {
          equal(await answer(context.api, stream.subarray(0, len), {}, raw), cuts[len], `${name} cut at ${len}`);
          count += 1;
        }
        equal(await answer(context.api, stream, {}, raw), [raw.length, null, null, null, null], name);
      }
      return `${count} cuts`;
    },
  ],
  [
    "a thousand flipped bits are what the crate says they are",
    async (context) => {
      const { answers, streams } = await load(context);
      equal(answers.flips.length, 1000);
      let turn = 0;
      for (const [name, bit, expected] of answers.flips) {
        const [raw, stream] = streams[name];
        const flipped = stream.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        equal(await answer(context.api, flipped, {}, raw), expected, `${name}, bit ${bit}`);
        turn += 1;
        // Starting a worker takes longer than all the rest.
        if (turn % 10 === 0) equal(await answer(context.api, flipped, { workers: 1 }, raw), expected, `${name}, bit ${bit}, a worker`);
      }
    },
  ],
];
