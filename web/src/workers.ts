import { Codec } from "./codec.js";
import { RansError, type RansErrorCode } from "./error.js";
import { init } from "./module.js";
import type { DecodeNumbers, EncodeNumbers, WorkerOptions } from "./options.js";

/** The name that says to this module, in a worker, to decode blocks. */
const WORKER_NAME = "ranstream";

/** What a worker does all its life. */
type Work = { part: "decode"; numbers: DecodeNumbers } | { part: "encode"; numbers: EncodeNumbers };

/** A block to code. The first one of a worker brings the module. */
interface Task {
  work: Work;
  module?: WebAssembly.Module;
  number: number;
  offset: number;
  given: ArrayBuffer;
}

type Answer =
  | { given: ArrayBuffer; made: ArrayBuffer }
  | { fault: { code: RansErrorCode; message: string; offset?: number; block?: number } };

/** A block as it was given to a worker, and what the worker made of it. */
export interface Passed {
  given: Uint8Array<ArrayBuffer>;
  made: Uint8Array<ArrayBuffer>;
}

/** What a browser's worker and one of Node have in common. */
interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onAnswer(take: (answer: Answer) => void, lost: () => void): void;
  terminate(): void;
}

/** Workers of one stream. */
export class Pool {
  readonly width: number;
  readonly #work: Work;
  readonly #module: WebAssembly.Module;
  readonly #make: () => Port | Promise<Port>;
  readonly #idle: Port[] = [];
  readonly #all: Port[] = [];
  readonly #waiting: (() => void)[] = [];
  #started = 0;
  #closed = false;

  constructor(work: Work, options: WorkerOptions, module: WebAssembly.Module) {
    this.width = options.workers ?? 1;
    this.#work = work;
    this.#module = module;
    const { createWorker } = options;
    this.#make = createWorker ? () => browserPort(createWorker()) : ownPort;
  }

  /** Moves a block to a worker, and back. A coded one stands in its stream at `offset`. */
  pass(given: ArrayBuffer, number: number, offset = 0): Promise<Passed> {
    const answer = this.#answer({ work: this.#work, number, offset, given });
    // Whoever waits for it may never come to it.
    answer.catch(() => {});
    return answer;
  }

  close(): void {
    this.#closed = true;
    for (const port of this.#all) port.terminate();
  }

  async #answer(task: Task): Promise<Passed> {
    const { port, isNew } = await this.#port();
    if (isNew) task.module = this.#module;
    const { number } = task;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const lost = () => reject(new RansError("worker-lost", `the worker for block ${number} was lost`, { block: number }));
      port.onAnswer(resolve, lost);
      port.postMessage(task, [task.given]);
    });
    this.#idle.push(port);
    this.#waiting.shift()?.();
    if ("made" in answer) return { given: new Uint8Array(answer.given), made: new Uint8Array(answer.made) };
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

/** Codes one block after another, when this module runs as a worker of its own. */
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
  return async ({ work, module, number, offset, given }) => {
    try {
      if (module) await init({ [work.part]: module });
      codec ??= await Codec.open(work.part, (exports) =>
        work.part === "decode" ? exports.rans_block(...work.numbers) : exports.rans_encoder(...work.numbers),
      );
      const { buffer: made } = codec.passBlock(new Uint8Array(given), number, offset);
      return [{ given, made }, [given, made]];
    } catch (error) {
      if (!(error instanceof RansError)) throw error;
      const { code, message, offset, block } = error;
      return [{ fault: { code, message, ...(offset !== undefined && { offset }), ...(block !== undefined && { block }) } }, []];
    }
  };
}
