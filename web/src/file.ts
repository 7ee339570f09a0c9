import { join } from "./bytes.js";
import { Codec, Op, Status } from "./codec.js";
import { RansError } from "./error.js";
import { decodeNumbers, whole } from "./options.js";
import { openSource, type RansSource, type RequestOptions } from "./source.js";

/** How to read parts of a file. */
export interface FileOptions extends RequestOptions {
  /** Bytes that the list of blocks and a read may take. Default: 1 GiB. */
  maxMemory?: number;
  /** Raw bytes that the largest block may have. Default: 16 MiB. */
  maxBlockLen?: number;
  /**
   * Before a place is jumped to by the index, reads the headers of all blocks before it and
   * compares: for files of people you do not trust, and costly over a network. Default: false.
   */
  verifyIndex?: boolean;
}

const DEFAULT_MEMORY = 2 ** 30;

/** Raw bytes that a stream reads at a time. */
const STREAM_LEN = 4 << 20;

/**
 * A compressed file somewhere else, read in parts: only the blocks that hold what is asked for are
 * fetched.
 *
 * With an index (option `index` of the encoder) a URL takes two requests to open, and mostly one
 * for each read. Without one, the first read goes from block header to block header, which takes a
 * request for every few KiB of small blocks and one for each large block.
 */
export class RansFile {
  readonly #source: RansSource;
  readonly #codec: Codec;
  readonly #most: number;
  /** One read after the other: they share what is decoded. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(source: RansSource, codec: Codec, most: number) {
    this.#source = source;
    this.#codec = codec;
    this.#most = most;
  }

  /**
   * Opens a URL whose server gives ranges, a `Blob` (a `File` is one), or a source of your own. A
   * server that gives no ranges sends the file as a whole, up to `maxWholeFile`.
   *
   * @throws {RansError} `source` for what the server does; what the file's index has against it.
   */
  static async open(source: string | URL | Blob | RansSource, options: FileOptions = {}): Promise<RansFile> {
    const numbers = decodeNumbers(options);
    const opened = await openSource(source, options);
    const codec = await Codec.open("file", (exports) => exports.rans_file(opened.size, ...numbers));
    const file = new RansFile(opened, codec, options.maxMemory ?? DEFAULT_MEMORY);
    // An empty read finds the blocks. What is wrong behind the first of them is for those who read
    // there.
    await file.read(0, 0).catch((error: unknown) => {
      file.close();
      throw error;
    });
    return file;
  }

  /** Coded bytes of the file. */
  get codedLength(): number {
    return this.#source.size;
  }

  /**
   * Raw bytes of the file.
   *
   * @throws {RansError} what reading to the end would find in headers.
   */
  length(): Promise<number> {
    return this.#inTurn(async () => {
      await this.#advance(Op.Finish);
      return this.#codec.number(0);
    });
  }

  /**
   * Raw bytes from `from` up to `to`, or to the end. Fewer come back where the file ends.
   *
   * @throws {RansError} what the file has against it in the blocks of these bytes, or before them
   * in headers.
   */
  read(from = 0, to = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(() => this.#read(whole("from", from), whole("to", to)));
  }

  /** The same as a stream, some MiB at a time. Good bytes come out before an error. */
  stream(from = 0, to = Infinity): ReadableStream<Uint8Array<ArrayBuffer>> {
    let at = whole("from", from);
    const end = whole("to", to);
    return new ReadableStream(
      {
        pull: async (controller) => {
          const chunks = await this.#inTurn(() => this.#chunks(at, Math.min(end, at + STREAM_LEN)));
          for (const chunk of chunks.good) controller.enqueue(chunk);
          const len = chunks.good.reduce((sum, chunk) => sum + chunk.length, 0);
          at += len;
          if (len > 0 && at < end) return;
          if (chunks.error !== undefined) controller.error(chunks.error);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Frees memory, behind the read that is under way. Later reads are errors. */
  close(): void {
    this.#closed = true;
    this.#last = this.#last.then(() => this.#codec.free());
  }

  async #read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const { good, error } = await this.#chunks(from, to);
    if (error !== undefined) throw error;
    return join(good);
  }

  async #chunks(from: number, to: number): Promise<{ good: Uint8Array<ArrayBuffer>[]; error?: unknown }> {
    const good: Uint8Array<ArrayBuffer>[] = [];
    let len = 0;
    try {
      this.#codec.seek(from, to);
      while ((await this.#advance(Op.Run)) === Status.Ready) {
        const chunk = this.#codec.take();
        len += chunk.length;
        if (len > this.#most) throw new RansError("limit-exceeded", `memory of ${len} bytes exceeds the limit of ${this.#most}`);
        good.push(chunk);
      }
    } catch (error) {
      return { good, error };
    }
    return { good };
  }

  /** A step, and before it all that it needs. */
  async #advance(op: number): Promise<number> {
    for (;;) {
      const status = this.#codec.step(op);
      if (status !== Status.NeedsRange) return status;
      const [from, to] = [this.#codec.number(0), this.#codec.number(1)];
      const piece = await this.#source.read(from, to);
      if (piece.length !== to - from) {
        throw new RansError("source", `the source gave ${piece.length} bytes of ${to - from}`);
      }
      this.#codec.feed(piece);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (this.#closed) throw new RansError("finished", "the file is closed");
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
