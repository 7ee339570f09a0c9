import { chunksOf, nextChunk, type Bytes } from "./bytes.js";
import { Codec, Op, Status } from "./codec.js";
import { decodeNumbers, type DecodeOptions } from "./options.js";

/** A block of a stream, as its header describes it. */
export interface BlockInfo {
  /** Blocks of the same stream before it. */
  number: number;
  /** Where it is: coded bytes from the start of the input. */
  offset: number;
  /** Its own bytes, header and check among them. */
  codedLen: number;
  /** Raw bytes before it. */
  rawOffset: number;
  /** Its raw bytes; 0 for application data. */
  rawLen: number;
  /** How it is coded: `stored`, `fill`, `lanes`, `lz`, `pivot`, ... or `application-data`. */
  mode: string;
}

/**
 * The blocks of all streams in `input`, in their order. Headers, order and totals are verified;
 * payloads are not decoded, nor are their checks computed.
 *
 * @throws {RansError} what the streams have against them, after the blocks before that.
 */
export async function* blocks(input: Input, options: DecodeOptions = {}): AsyncGenerator<BlockInfo> {
  for await (const { info } of walk(input, options, false)) yield info;
}

/** The same with a copy of each block's own bytes. */
export function cut(input: Input, options: DecodeOptions): AsyncGenerator<{ info: BlockInfo; coded: Uint8Array<ArrayBuffer> }> {
  return walk(input, options, true);
}

type Input = Bytes | Blob | Response | ReadableStream<Uint8Array>;

const NOTHING = new Uint8Array();

async function* walk(input: Input, options: DecodeOptions, copies: boolean) {
  const numbers = decodeNumbers(options);
  const chunks = chunksOf(input);
  const cutter = await Codec.open("decode", (exports) => exports.rans_cutter(...numbers));
  try {
    let chunk: Uint8Array | undefined = NOTHING;
    let at = 0;
    for (;;) {
      const status = cutter.step(chunk ? Op.Run : Op.Finish);
      if (status === Status.Block) {
        const info: BlockInfo = {
          number: cutter.number(0),
          offset: cutter.number(1),
          codedLen: cutter.ready(),
          rawOffset: cutter.number(2),
          rawLen: cutter.number(3),
          mode: cutter.name(),
        };
        yield { info, coded: copies ? cutter.take() : NOTHING };
      } else if (status === Status.Finished) {
        return;
      } else if (status === Status.NeedsInput) {
        if (chunk && at < chunk.length) {
          at += cutter.feed(chunk, at);
        } else {
          chunk = await nextChunk(chunks);
          at = 0;
        }
      }
    }
  } finally {
    cutter.free();
    await chunks.return(undefined);
  }
}
