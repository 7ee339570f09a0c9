import { RansError } from "./error.js";

/** Who codes blocks. */
export interface WorkerOptions {
  /**
   * Workers that code blocks side by side; 0: the caller's own thread. Default: 0. They share no
   * memory.
   */
  workers?: number;
  /**
   * Makes a worker that runs this module, for bundlers, which give a module another address: `() =>
   * new Worker(new URL("@ranstream/web", import.meta.url), { type: "module", name: "ranstream" })`.
   * Its name has to be `ranstream`.
   */
  createWorker?: () => Worker;
}

/** How to read a stream. */
export interface DecodeOptions extends WorkerOptions {
  /**
   * Bytes that the decoder may hold at a time, the result of {@link decompress} among them.
   * Default: 1 GiB.
   */
  maxMemory?: number;
  /** Raw bytes that the largest block may have. Default: 16 MiB, all that the format has. */
  maxBlockLen?: number;
  /**
   * Raw bytes that may come out in all. Default: no limit. Set it where the bytes come from
   * somebody else.
   */
  maxOutput?: number;
  /** Stops behind the first of several concatenated streams. Default: false. */
  singleStream?: boolean;
  /** What to do with bytes behind a stream that are no stream. Default: `"reject"`. */
  trailingData?: "reject" | "ignore";
}

/** How a block is coded; see the crate's `Mode`. */
export type Mode = "auto" | "stored" | "fill" | "single" | "interleaved" | "lanes" | "pivot";

/** Numbers that raw bytes are made of, little-endian; see the crate's `Layout`. */
export type Layout = "bytes" | "bf16" | "f16" | "f32" | "f64" | "i16" | "i32" | "i64";

/** How to write a stream. What is left out has the crate's default. */
export interface EncodeOptions extends WorkerOptions {
  /** How hard to look for repeated strings, 0 to 9; 0: not at all; 8 and 9 are 7. Default: 3. */
  level?: number;
  /**
   * Raw bytes per block, 1 to 16 Mi. Default: 256 KiB at level 0, more above, 256 Ki numbers of a
   * layout.
   */
  blockLen?: number;
  /** Raw bytes per segment of a block. Default: 64 KiB. 16 KiB, at level 0, suits GPUs. */
  segmentLen?: number;
  /** Precision of the frequencies, 9 to 12 bits. Default: by the block's length. */
  scaleBits?: number;
  /** Forces a mode. Default: `"auto"`. */
  mode?: Mode;
  /**
   * What counts more where `"auto"` may take pivot, too: size, or the speed of decoding. Default: a
   * trade by the level; at level 0 no pivot without a layout.
   */
  prefer?: "ratio" | "speed";
  /**
   * What the raw bytes are, for `"auto"`: bytes of numbers that mean the same are coded together.
   * A wrong layout costs size and never bytes; decoding needs none. Default: `"bytes"`.
   */
  layout?: Layout;
  /** Declares how many raw bytes the stream will have. */
  contentLength?: number;
  /** Adds a check over all raw bytes. Default: false; the coded bytes are checked in any case. */
  contentCheck?: boolean;
  /** Adds an index, so that {@link RansFile} finds each block with one request. Default: false. */
  index?: boolean;
  /**
   * Cuts a block behind every chunk that is written, so that the peer can decode up to there.
   * Default: false.
   */
  flushEachChunk?: boolean;
}

// In the order of the crate's `Mode::ALL` and `Prefer::ALL`, and of `LAYOUTS` in `encode.rs`.
const MODES: readonly Mode[] = ["auto", "stored", "fill", "single", "interleaved", "lanes", "pivot"];
const PREFER = ["ratio", "speed"];
const LAYOUTS: readonly Layout[] = ["bytes", "bf16", "f16", "f32", "f64", "i16", "i32", "i64"];

const SINGLE_STREAM = 1;
const IGNORE_TRAILING_DATA = 2;
const VERIFY_INDEX = 4;
const CONTENT_CHECK = 1;
const INDEX = 2;
const BLOCKS = 4;

/** Arguments of `rans_decoder` and its like, in the order of `DecodeNumbers` in `session.rs`. */
export type DecodeNumbers = [number, number, number, number];

/** Arguments of `rans_encoder`, in the order of `EncodeNumbers` in `encode.rs`. */
export type EncodeNumbers = [number, number, number, number, number, number, number, number, number];

export function decodeNumbers(options: DecodeOptions & { verifyIndex?: boolean }): DecodeNumbers {
  const flags =
    (options.singleStream ? SINGLE_STREAM : 0) +
    (options.trailingData === "ignore" ? IGNORE_TRAILING_DATA : 0) +
    (options.verifyIndex ? VERIFY_INDEX : 0);
  return [
    whole("maxMemory", options.maxMemory),
    whole("maxBlockLen", options.maxBlockLen),
    whole("maxOutput", options.maxOutput),
    flags,
  ];
}

/** Of an encoder of a stream, or of the stream's blocks, each by itself. */
export function encodeNumbers(options: EncodeOptions, makes: "stream" | "blocks" = "stream"): EncodeNumbers {
  return [
    whole("level", options.level),
    whole("blockLen", options.blockLen),
    whole("segmentLen", options.segmentLen),
    whole("scaleBits", options.scaleBits),
    place("mode", MODES, options.mode),
    place("prefer", PREFER, options.prefer),
    place("layout", LAYOUTS, options.layout),
    whole("contentLength", options.contentLength),
    (options.contentCheck ? CONTENT_CHECK : 0) + (options.index ? INDEX : 0) + (makes === "blocks" ? BLOCKS : 0),
  ];
}

/** A number that the crate checks further; `NaN` stands for its default. */
export function whole(name: string, value: number | undefined): number {
  if (value === undefined) return NaN;
  if (value === Infinity) return Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RansError("invalid-option", `option ${name} is ${value}, not a whole number from 0 on`);
  }
  return value;
}

function place(name: string, names: readonly string[], value: string | undefined): number {
  if (value === undefined) return NaN;
  const at = names.indexOf(value);
  if (at < 0) throw new RansError("invalid-option", `option ${name} is ${value}, not one of ${names.join(", ")}`);
  return at;
}
