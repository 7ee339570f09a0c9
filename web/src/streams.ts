import { asBytes, type Bytes } from "./bytes.js";
import { decoding, encoding, type Coding } from "./coding.js";
import type { DecodeOptions, EncodeOptions } from "./options.js";

/**
 * Raw bytes from a compressed stream, for `pipeThrough`:
 * `response.body.pipeThrough(new RansDecoderStream())`.
 *
 * A chunk comes out when the reader asks for one, and no input is taken before that is needed:
 * memory stays bounded whatever the stream expands to. Good blocks come out before the error behind
 * them, which is a {@link RansError} on both sides.
 */
export class RansDecoderStream implements ReadableWritablePair<Uint8Array<ArrayBuffer>, BufferSource> {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<BufferSource>;

  constructor(options: DecodeOptions = {}) {
    ({ readable: this.readable, writable: this.writable } = pair(decoding(options)));
  }
}

/**
 * A compressed stream from raw bytes, for `pipeThrough`: `file.stream().pipeThrough(new
 * RansEncoderStream())`. Chunks are gathered into blocks; with `flushEachChunk` each chunk is one
 * or several of its own.
 */
export class RansEncoderStream implements ReadableWritablePair<Uint8Array<ArrayBuffer>, BufferSource> {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<BufferSource>;

  constructor(options: EncodeOptions = {}) {
    ({ readable: this.readable, writable: this.writable } = pair(encoding(options)));
  }
}

/**
 * What a writer writes, for one who reads a chunk at a time. A write is done when its chunk was
 * used up: when the next one is asked for.
 */
class Channel implements AsyncIterator<Uint8Array> {
  #chunk: Uint8Array | undefined;
  ended = false;
  #failure: { reason: unknown } | undefined;
  #used: (() => void) | undefined;
  #refuse: ((reason: unknown) => void) | undefined;
  #arrived: (() => void) | undefined;

  write(chunk: Uint8Array): Promise<void> {
    this.#chunk = chunk;
    this.#arrived?.();
    return new Promise((used, refuse) => {
      this.#used = used;
      this.#refuse = refuse;
    });
  }

  end(): void {
    this.ended = true;
    this.#arrived?.();
  }

  /** The writer failed, or whoever reads did. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#refuse?.(reason);
    this.#arrived?.();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Without a chunk, the last one was taken and used up.
    if (!this.#chunk) {
      this.#used?.();
      this.#used = this.#refuse = undefined;
    }
    while (!this.#chunk && !this.ended && !this.#failure) {
      await new Promise<void>((arrived) => (this.#arrived = arrived));
    }
    if (this.#failure) throw this.#failure.reason;
    const chunk = this.#chunk;
    this.#chunk = undefined;
    return chunk ? { done: false, value: chunk } : { done: true, value: undefined };
  }
}

function pair(coding: Coding): ReadableWritablePair<Uint8Array<ArrayBuffer>, BufferSource> {
  const channel = new Channel();
  const output = coding(channel);
  let fail: (reason: unknown) => void = () => {};
  let isDone = false;
  let done: () => void;
  let refuse: (reason: unknown) => void;
  // Settled when everything came out, which is when a writer's close has succeeded.
  const whole = new Promise<void>((resolve, reject) => ([done, refuse] = [resolve, reject]));
  whole.catch(() => {});

  const stop = (reason: unknown) => {
    if (isDone) return;
    isDone = true;
    refuse(reason);
    channel.fail(reason);
    fail(reason);
  };
  const writable = new WritableStream<BufferSource>({
    start(controller) {
      fail = (reason) => controller.error(reason);
      // Before `abort` is called, the write under way has to end, which may wait for a reader that
      // never comes.
      controller.signal.addEventListener("abort", () => channel.fail(controller.signal.reason));
    },
    write(chunk) {
      try {
        return channel.write(asBytes(chunk as Bytes));
      } catch (reason) {
        abortReadable(reason);
        throw reason;
      }
    },
    close() {
      channel.end();
      return whole;
    },
    abort: (reason) => abortReadable(reason),
  });
  let abortReadable: (reason: unknown) => void = () => {};
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        abortReadable = (reason) => {
          stop(reason);
          controller.error(reason);
          void output.return(undefined).catch(() => {});
        };
      },
      async pull(controller) {
        try {
          const { done: ended, value } = await output.next();
          if (!ended) return controller.enqueue(value);
          isDone = true;
          done();
          controller.close();
          // What may follow is not taken any more, and a source that pipes here stops.
          if (!channel.ended) fail(new TypeError("the stream has ended"));
        } catch (reason) {
          stop(reason);
          throw reason;
        }
      },
      async cancel(reason) {
        stop(reason);
        await output.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return { readable, writable };
}
