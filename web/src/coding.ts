import { nextChunk } from "./bytes.js";
import { Codec, Op, Status } from "./codec.js";
import { decodeNumbers, encodeNumbers, type DecodeOptions, type EncodeOptions } from "./options.js";
import { decodeWithWorkers, encodeWithWorkers } from "./with-workers.js";

/** What streams and buffers are made of: chunks in, chunks out, one at a time. */
export type Coding = (input: AsyncIterator<Uint8Array>) => AsyncGenerator<Uint8Array<ArrayBuffer>>;

/**
 * Raw bytes from a stream, a block at a time. Every good block comes out before the error behind
 * it.
 */
export function decoding(options: DecodeOptions): Coding {
  const numbers = decodeNumbers(options);
  if (options.workers) return (input) => decodeWithWorkers(input, options);
  return async function* (input) {
    const codec = await Codec.open("decode", (exports) => exports.rans_decoder(...numbers));
    try {
      let chunk: Uint8Array | undefined = new Uint8Array();
      let at = 0;
      for (;;) {
        const status = codec.step(chunk ? Op.Run : Op.Finish);
        if (status === Status.Ready) {
          yield codec.take();
        } else if (status === Status.Finished) {
          return;
        } else if (chunk && at < chunk.length) {
          at += codec.feed(chunk, at);
        } else {
          chunk = await nextChunk(input);
          at = 0;
        }
      }
    } finally {
      codec.free();
    }
  };
}

/** A stream from raw bytes, a block at a time. */
export function encoding(options: EncodeOptions): Coding {
  const numbers = encodeNumbers(options);
  if (options.workers) return (input) => encodeWithWorkers(input, options);
  return async function* (input) {
    const codec = await Codec.open("encode", (exports) => exports.rans_encoder(...numbers));
    try {
      for (;;) {
        const chunk = await nextChunk(input);
        if (!chunk) break;
        let at = 0;
        while (at < chunk.length) {
          at += codec.feed(chunk, at);
          while (codec.step(Op.Run) === Status.Ready) yield codec.take();
        }
        while (options.flushEachChunk && codec.step(Op.Flush) === Status.Ready) yield codec.take();
      }
      while (codec.step(Op.Finish) === Status.Ready) yield codec.take();
    } finally {
      codec.free();
    }
  };
}
