import { Codec, Op, Status } from "./codec.js";
import { nextChunk } from "./coding.js";
import { RansError, type RansErrorCode } from "./error.js";
import { init, load } from "./module.js";
import { decodeNumbers, type DecodeOptions } from "./options.js";

/** The name that says to this module, in a worker, to decode blocks. */
const WORKER_NAME = "ranstream";

/** Blocks under way beside one for each worker: so that none waits for the next. */
const AHEAD = 2;

type Numbers = [number, number, number, number];

interface Task {
  module?: WebAssembly.Module;
  numbers: Numbers;
  number: number;
  offset: number;
  coded: ArrayBuffer;
}

type Answer = { raw: ArrayBuffer } | { fault: { code: RansErrorCode; message: string; offset?: number; block?: number } };

/** What a browser's worker and one of Node have in common. */
interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onAnswer(take: (answer: Answer) => void, lost: () => void): void;
  terminate(): void;
}

type Raw = Uint8Array<ArrayBuffer>;

/** In the order of the stream: blocks on their way, and where streams begin and end. */
type Element = { raw: Promise<Raw> } | { begins: boolean } | { ends: true };

/**
 * Blocks are cut here, decoded by workers, and come out in their order. Bytes are moved, not
 * shared, so a page needs no special headers.
 */
export async function* decodeWithWorkers(input: AsyncIterator<Uint8Array>, options: DecodeOptions): AsyncGenerator<Raw> {
  const numbers = decodeNumbers(options);
  const cutter = await Codec.open("decode", (exports) => exports.rans_cutter(...numbers));
  const pool = new Pool(options, numbers, await load("decode"));
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
            if (isData) elements.push({ raw: pool.decode(number, offset, coded) });
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
      if (next && (!first || !("raw" in first) || !(await settledFirst(first.raw, next)))) {
        if (!first || "raw" in first) {
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
        const raw = await element.raw;
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

/** Whether `raw` settled before `next` did. */
async function settledFirst(raw: Promise<unknown>, next: Promise<unknown>): Promise<boolean> {
  const settled = raw.then(() => true, () => true);
  return Promise.race([settled, next.then(() => false, () => false)]);
}

/** Gives raw bytes back to the cutter, for the stream's check over all of them. */
function hash(cutter: Codec, raw: Raw): void {
  cutter.seek(1, 0);
  for (let at = 0; at < raw.length; ) at += cutter.feed(raw, at);
  cutter.seek(0, 0);
}

class Pool {
  readonly width: number;
  readonly #numbers: Numbers;
  readonly #module: WebAssembly.Module;
  readonly #make: () => Port | Promise<Port>;
  readonly #idle: Port[] = [];
  readonly #all: Port[] = [];
  readonly #waiting: (() => void)[] = [];
  #started = 0;
  #closed = false;

  constructor(options: DecodeOptions, numbers: Numbers, module: WebAssembly.Module) {
    this.width = options.workers ?? 1;
    this.#numbers = numbers;
    this.#module = module;
    const { createWorker } = options;
    this.#make = createWorker ? () => browserPort(createWorker()) : ownPort;
  }

  decode(number: number, offset: number, coded: ArrayBuffer): Promise<Raw> {
    const answer = this.#answer(number, offset, coded);
    // Whoever waits for it may never come to it.
    answer.catch(() => {});
    return answer;
  }

  close(): void {
    this.#closed = true;
    for (const port of this.#all) port.terminate();
  }

  async #answer(number: number, offset: number, coded: ArrayBuffer): Promise<Raw> {
    const { port, isNew } = await this.#port();
    const task: Task = { numbers: this.#numbers, number, offset, coded };
    if (isNew) task.module = this.#module;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const lost = () => reject(new RansError("worker-lost", `the worker for block ${number} was lost`, { block: number }));
      port.onAnswer(resolve, lost);
      port.postMessage(task, [coded]);
    });
    this.#idle.push(port);
    this.#waiting.shift()?.();
    if ("raw" in answer) return new Uint8Array(answer.raw);
    const { code, message, ...place } = answer.fault;
    throw new RansError(code, message, place);
  }

  async #port(): Promise<{ port: Port; isNew: boolean }> {
    for (;;) {
      const port = this.#idle.pop();
      if (port) return { port, isNew: false };
      if (this.#started < this.width) {
        this.#started += 1;
        const made = await this.#make();
        if (this.#closed) made.terminate();
        this.#all.push(made);
        return { port: made, isNew: true };
      }
      await new Promise<void>((free) => this.#waiting.push(free));
    }
  }
}

function browserPort(worker: Worker): Port {
  return {
    postMessage: (message, transfer) => worker.postMessage(message, transfer),
    onAnswer(take, lost) {
      worker.onmessage = (event) => take(event.data as Answer);
      worker.onmessageerror = lost;
      worker.onerror = (event) => {
        event.preventDefault();
        lost();
      };
    },
    terminate: () => worker.terminate(),
  };
}

/** This module, in a worker. */
async function ownPort(): Promise<Port> {
  if (!isNode()) return browserPort(new Worker(import.meta.url, { type: "module", name: WORKER_NAME }));
  const { Worker: NodeWorker } = await nodeWorkers();
  const worker = new NodeWorker(new URL(import.meta.url), { workerData: WORKER_NAME, name: WORKER_NAME });
  worker.unref();
  return {
    postMessage: (message, transfer) => {
      worker.ref();
      worker.postMessage(message, transfer);
    },
    onAnswer(take, lost) {
      worker.removeAllListeners();
      worker.once("message", (answer: Answer) => {
        worker.unref();
        take(answer);
      });
      worker.once("error", lost);
      worker.once("exit", lost);
    },
    terminate() {
      worker.removeAllListeners();
      void worker.terminate();
    },
  };
}

interface NodeWorker {
  ref(): void;
  unref(): void;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  once(event: string, listener: (value: Answer) => void): void;
  removeAllListeners(): void;
  terminate(): Promise<number>;
}

interface NodeWorkers {
  Worker: new (url: URL, options: { workerData: string; name: string }) => NodeWorker;
  isMainThread: boolean;
  workerData: unknown;
  parentPort: { on(event: "message", listener: (task: Task) => void): void; postMessage(answer: Answer, transfer: ArrayBuffer[]): void } | null;
}

function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}

function nodeWorkers(): Promise<NodeWorkers> {
  return import("node:worker_threads" as string) as Promise<NodeWorkers>;
}

/** Decodes one block after another, when this module runs as a worker of its own. */
export async function serveIfWorker(): Promise<void> {
  if (isNode()) {
    const { isMainThread, workerData, parentPort } = await nodeWorkers();
    if (isMainThread || workerData !== WORKER_NAME || !parentPort) return;
    const serve = server();
    parentPort.on("message", (task) => void serve(task).then(([answer, moved]) => parentPort.postMessage(answer, moved)));
    return;
  }
  const scope = globalThis as unknown as { name?: string; WorkerGlobalScope?: unknown } & Worker;
  if (scope.WorkerGlobalScope === undefined || scope.name !== WORKER_NAME) return;
  const serve = server();
  scope.onmessage = (event) => void serve(event.data as Task).then(([answer, moved]) => scope.postMessage(answer, moved));
}

function server(): (task: Task) => Promise<[Answer, ArrayBuffer[]]> {
  let codec: Codec | undefined;
  return async ({ module, numbers, number, offset, coded }) => {
    try {
      if (module) await init({ decode: module });
      codec ??= await Codec.open("decode", (exports) => exports.rans_block(...numbers));
      codec.seek(number, offset);
      codec.feed(new Uint8Array(coded));
      codec.step(Op.Run);
      const { buffer } = codec.take();
      return [{ raw: buffer }, [buffer]];
    } catch (error) {
      if (!(error instanceof RansError)) throw error;
      const { code, message, offset, block } = error;
      return [{ fault: { code, message, ...(offset !== undefined && { offset }), ...(block !== undefined && { block }) } }, []];
    }
  };
}
