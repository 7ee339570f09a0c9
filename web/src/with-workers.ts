import { nextChunk } from "./bytes.js";
import { Codec, Op, Status } from "./codec.js";
import { load } from "./module.js";
import { decodeNumbers, encodeNumbers, type DecodeOptions, type EncodeOptions } from "./options.js";
import { Pool, type Passed } from "./workers.js";

/** Blocks under way beside one for each worker: so that none waits for the next. */
const AHEAD = 2;

/** What is fed next to an encoder whose blocks are coded elsewhere, as `encode.rs` has it. */
const RAW_OF_BLOCK = 1;
const BLOCK = 2;

type Raw = Uint8Array<ArrayBuffer>;

/** In the order of the stream: blocks on their way, and where streams begin and end. */
type Element = { block: Promise<Passed> } | { begins: boolean } | { ends: true };

/**
 * Blocks are cut here, decoded by workers, and come out in their order. Bytes are moved, not
 * shared, so a page needs no special headers.
 */
export async function* decodeWithWorkers(input: AsyncIterator<Uint8Array>, options: DecodeOptions): AsyncGenerator<Raw> {
  const numbers = decodeNumbers(options);
  const cutter = await Codec.open("decode", (exports) => exports.rans_cutter(...numbers));
  const pool = new Pool({ part: "decode", numbers }, options, await load("decode"));
  const elements: Element[] = [];
  let fault: { error: unknown } | undefined;
  let chunk: Uint8Array | undefined = new Uint8Array();
  let next: Promise<Uint8Array | undefined> | undefined;
  let at = 0;
  let hashes = false;
  let done = false;
  try {
    while (!done || elements.length > 0) {
      // Cut, until there is enough to do.
      while (!done && !next && elements.length < pool.width + AHEAD) {
        try {
          const status = cutter.step(chunk ? Op.Run : Op.Finish);
          if (status === Status.Block) {
            const [number, offset] = [cutter.number(0), cutter.number(1)];
            const isData = cutter.number(3) > 0;
            const coded = cutter.take().buffer;
            if (isData) elements.push({ block: pool.pass(coded, number, offset) });
          } else if (status === Status.StreamBegin) {
            elements.push({ begins: cutter.number(0) === 1 });
          } else if (status === Status.StreamEnd) {
            elements.push({ ends: true });
          } else if (status === Status.Finished) {
            done = true;
          } else if (chunk && at < chunk.length) {
            at += cutter.feed(chunk, at);
          } else {
            next = nextChunk(input);
          }
        } catch (error) {
          [fault, done] = [{ error }, true];
        }
      }
      // A block that is ready does not wait for input that is not.
      const [first] = elements;
      if (next && (!first || !("block" in first) || !(await settledFirst(first.block, next)))) {
        if (!first || "block" in first) {
          chunk = await next;
          [next, at] = [undefined, 0];
          continue;
        }
      }
      const element = elements.shift();
      if (!element) continue;
      if ("begins" in element) {
        hashes = element.begins;
      } else if ("ends" in element) {
        cutter.step(Op.Verify);
      } else {
        const { made: raw } = await element.block;
        if (hashes) hash(cutter, raw);
        yield raw;
      }
    }
    if (fault) throw fault.error;
  } finally {
    pool.close();
    cutter.free();
  }
}

/**
 * Blocks are cut here, coded by workers, and come out as a stream. Bytes are moved, not shared.
 */
export async function* encodeWithWorkers(input: AsyncIterator<Uint8Array>, options: EncodeOptions): AsyncGenerator<Raw> {
  const numbers = encodeNumbers(options);
  const framer = await Codec.open("encode", (exports) => exports.rans_encoder(...numbers));
  const pool = new Pool({ part: "encode", numbers: encodeNumbers(options, "blocks") }, options, await load("encode"));
  const blocks: Promise<Passed>[] = [];
  let chunk: Uint8Array | undefined = new Uint8Array();
  let next: Promise<Uint8Array | undefined> | undefined;
  let at = 0;
  let number = 0;
  try {
    // It wants a whole block, since it has nothing yet.
    framer.step(Op.Run);
    let block = new Uint8Array(framer.ready());
    let filled = 0;
    const cut = () => {
      if (filled === 0) return;
      blocks.push(pool.pass(block.slice(0, filled).buffer, number));
      [filled, number] = [0, number + 1];
    };
    while (chunk || blocks.length > 0) {
      // Cut, until there is enough to do.
      while (chunk && !next && blocks.length < pool.width + AHEAD) {
        if (at === chunk.length) {
          if (options.flushEachChunk) cut();
          next = nextChunk(input);
        } else {
          const len = Math.min(chunk.length - at, block.length - filled);
          block.set(chunk.subarray(at, at + len), filled);
          [at, filled] = [at + len, filled + len];
          if (filled === block.length) cut();
        }
      }
      // A block that is ready does not wait for input that is not.
      const [first] = blocks;
      if (next && !(first && (await settledFirst(first, next)))) {
        chunk = await next;
        [next, at] = [undefined, 0];
        if (!chunk) cut();
        continue;
      }
      const { given, made } = await (blocks.shift() as Promise<Passed>);
      framer.seek(RAW_OF_BLOCK, 0);
      framer.feed(given);
      framer.seek(BLOCK, 0);
      framer.feed(made);
      while (framer.step(Op.Run) === Status.Ready) yield framer.take();
    }
    while (framer.step(Op.Finish) === Status.Ready) yield framer.take();
  } finally {
    pool.close();
    framer.free();
  }
}

/** Whether `block` settled before `next` did. */
async function settledFirst(block: Promise<unknown>, next: Promise<unknown>): Promise<boolean> {
  const settled = block.then(() => true, () => true);
  return Promise.race([settled, next.then(() => false, () => false)]);
}

/** Gives raw bytes back to the cutter, for the stream's check over all of them. */
function hash(cutter: Codec, raw: Raw): void {
  cutter.seek(1, 0);
  for (let at = 0; at < raw.length; ) at += cutter.feed(raw, at);
  cutter.seek(0, 0);
}
