import { RansError, type RansErrorCode } from "./error.js";
import { instantiate, type Part } from "./module.js";
import type { DecodeNumbers, EncodeNumbers } from "./options.js";

/** Why a step stopped, as `boundary.rs` has it. */
export const Status = {
  NeedsInput: 0,
  Ready: 1,
  Finished: 2,
  NeedsRange: 3,
  Block: 4,
  StreamEnd: 5,
  Error: 6,
  RawLen: 7,
  StreamBegin: 8,
  Batch: 9,
} as const;

/** What a step is to reach, as `boundary.rs` has it. */
export const Op = { Run: 0, Flush: 1, Finish: 2, Verify: 3 } as const;

interface Exports {
  memory: WebAssembly.Memory;
  rans_decoder(...numbers: DecodeNumbers): number;
  rans_cutter(...numbers: DecodeNumbers): number;
  rans_block(...numbers: DecodeNumbers): number;
  rans_file(len: number, ...numbers: DecodeNumbers): number;
  rans_encoder(...numbers: EncodeNumbers): number;
  rans_batch(): number;
  rans_shader(form: number, smallestSubgroup: number, largestSubgroup: number): number;
  rans_free(handle: number): void;
  rans_space(handle: number, wanted: number): void;
  rans_commit(handle: number, len: number): void;
  rans_step(handle: number, op: number): void;
  rans_consume(handle: number, len: number): void;
  rans_seek(handle: number, from: number, to: number): void;
}

/** An instance is kept for the next stream if its memory is no more than this. */
const KEPT_LEN = 32 << 20;
const KEPT = 2;
const idle: Record<Part, WebAssembly.Instance[]> = { decode: [], encode: [], file: [], gpu: [] };

// Where the fields of a report are, in words of 32 bits; numbers begin at byte 32.
const STATUS = 0;
const BYTES = 1;
const LEN = 2;
const NAME = 3;
const NAME_LEN = 4;
const MESSAGE = 5;
const MESSAGE_LEN = 6;
const NUMBERS_AT = 32;

const utf8 = new TextDecoder();

/** One session of the `.wasm`: bytes in, steps, bytes out. */
export class Codec {
  readonly #part: Part;
  readonly #instance: WebAssembly.Instance;
  readonly #exports: Exports;
  #handle: number;

  private constructor(part: Part, instance: WebAssembly.Instance, make: (exports: Exports) => number) {
    this.#part = part;
    this.#instance = instance;
    this.#exports = instance.exports as unknown as Exports;
    this.#handle = make(this.#exports);
  }

  /** `make` calls one of the functions that give a handle. */
  static async open(part: Part, make: (exports: Exports) => number): Promise<Codec> {
    return new Codec(part, idle[part].pop() ?? (await instantiate(part)), make);
  }

  /** The same, for as long as `work` takes. */
  static async using<T>(part: Part, make: (exports: Exports) => number, work: (codec: Codec) => T): Promise<T> {
    const codec = await Codec.open(part, make);
    try {
      return work(codec);
    } finally {
      codec.free();
    }
  }

  /** Gives as much of `chunk` from `from` on as there is space for; how much comes back. */
  feed(chunk: Uint8Array, from = 0): number {
    this.#exports.rans_space(this.#handle, chunk.length - from);
    this.#check();
    const len = Math.min(this.#word(LEN), chunk.length - from);
    if (len === 0) return 0;
    new Uint8Array(this.#exports.memory.buffer, this.#word(BYTES), len).set(chunk.subarray(from, from + len));
    this.#exports.rans_commit(this.#handle, len);
    this.#check();
    return len;
  }

  /** Moves on. */
  step(op: number): number {
    this.#exports.rans_step(this.#handle, op);
    this.#check();
    return this.#word(STATUS);
  }

  /** A copy of what is ready, which is consumed with that. */
  take(): Uint8Array<ArrayBuffer> {
    const at = this.#word(BYTES);
    const len = this.#word(LEN);
    const bytes = new Uint8Array(this.#exports.memory.buffer.slice(at, at + len) as ArrayBuffer);
    this.#exports.rans_consume(this.#handle, len);
    return bytes;
  }

  /**
   * One block through a session that makes one of another: coded or raw. A coded one stands in its
   * stream at `offset`.
   */
  passBlock(block: Uint8Array, number: number, offset: number): Uint8Array<ArrayBuffer> {
    this.seek(number, offset);
    this.feed(block);
    this.step(Op.Run);
    return this.take();
  }

  /** See each session's `seek`. */
  seek(from: number, to: number): void {
    this.#exports.rans_seek(this.#handle, from, to);
  }

  /** A number of the last report. */
  number(at: number): number {
    return new DataView(this.#exports.memory.buffer).getFloat64(this.#handle + NUMBERS_AT + 8 * at, true);
  }

  /** The mode of the block that the last report is of. */
  name(): string {
    return this.#text(NAME, NAME_LEN);
  }

  /** Bytes that are ready. */
  ready(): number {
    return this.#word(LEN);
  }

  /** Bytes of memory that the instance has. */
  memory(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** Ends the session. A second time does nothing. */
  free(): void {
    if (this.#handle === 0) return;
    this.#exports.rans_free(this.#handle);
    this.#handle = 0;
    const kept = idle[this.#part];
    if (kept.length < KEPT && this.memory() <= KEPT_LEN) kept.push(this.#instance);
  }

  #word(at: number): number {
    return new DataView(this.#exports.memory.buffer).getUint32(this.#handle + 4 * at, true);
  }

  #text(at: number, lenAt: number): string {
    return utf8.decode(new Uint8Array(this.#exports.memory.buffer, this.#word(at), this.#word(lenAt)));
  }

  #check(): void {
    if (this.#word(STATUS) !== Status.Error) return;
    const given = (number: number) => (Number.isNaN(number) ? undefined : number);
    throw new RansError(this.#text(NAME, NAME_LEN) as RansErrorCode, this.#text(MESSAGE, MESSAGE_LEN), {
      offset: given(this.number(0)),
      block: given(this.number(1)),
    });
  }
}
