import { chunksOf } from "./bytes.js";
import { RansError } from "./error.js";

/** A file that can be read in parts. */
export interface RansSource {
  /** Its length in bytes. */
  readonly size: number;
  /** The bytes from `from` up to `to`, all of them. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** How a URL is asked. */
export interface RequestOptions {
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
  /** Headers of every request, for authorisation and the like. */
  headers?: Record<string, string>;
  /** Ends what is under way. */
  signal?: AbortSignal;
  /**
   * Bytes of a file that is read as a whole, because its server gives no ranges. Default: 64 MiB.
   */
  maxWholeFile?: number;
}

/**
 * The first bytes that a URL is asked for: a stream's header and the length of the file come with
 * them.
 */
const FIRST_LEN = 1 << 10;

const DEFAULT_WHOLE_FILE = 64 << 20;

/** A source of any kind. */
export async function openSource(source: string | URL | Blob | RansSource, options: RequestOptions): Promise<RansSource> {
  if (source instanceof Blob) return blobSource(source);
  if (typeof source === "string" || source instanceof URL) return httpSource(source, options);
  return source;
}

function blobSource(blob: Blob): RansSource {
  return { size: blob.size, read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()) };
}

async function httpSource(url: string | URL, options: RequestOptions): Promise<RansSource> {
  const ask = async (from: number, to: number) => {
    const headers = { ...options.headers, range: `bytes=${from}-${to - 1}` };
    const response = await (options.fetch ?? fetch)(url, { headers, signal: options.signal ?? null });
    if (response.status === 206 || response.status === 200) return response;
    await response.body?.cancel();
    if (response.status === 416 && from === 0) return undefined;
    throw new RansError("source", `${url}: the server answered ${response.status}`);
  };
  const first = await ask(0, FIRST_LEN);
  // An empty file has no ranges.
  if (!first) return blobSource(new Blob());
  if (first.status === 200) return wholeFile(first, options.maxWholeFile ?? DEFAULT_WHOLE_FILE, url);
  const size = Number(/\/(\d+)$/.exec(first.headers.get("content-range") ?? "")?.[1] ?? NaN);
  if (!Number.isSafeInteger(size)) {
    await first.body?.cancel();
    throw new RansError("source", `${url}: the answer has no Content-Range with a length (a server elsewhere has to expose it)`);
  }
  const version = versionOf(first, size);
  const start = await bytesOf(first, Math.min(FIRST_LEN, size), url);
  return {
    size,
    async read(from, to) {
      if (to <= start.length) return start.subarray(from, to);
      const response = await ask(from, to);
      // The file may have changed, and what a cache has may be of another version than what it
      // lacks.
      if (response?.status !== 206 || versionOf(response, size) !== version) {
        await response?.body?.cancel();
        throw new RansError("source-changed", `${url}: the file is not the one that was opened`);
      }
      return bytesOf(response, to - from, url);
    },
  };
}

async function wholeFile(response: Response, most: number, url: string | URL): Promise<RansSource> {
  const size = Number(response.headers.get("content-length") ?? NaN);
  if (size > most) {
    await response.body?.cancel();
    throw new RansError("source", `${url}: the server gives no ranges, and the file of ${size} bytes is longer than ${most}`);
  }
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let len = 0;
  for await (const piece of chunksOf(response)) {
    len += piece.length;
    if (len > most) throw new RansError("source", `${url}: the server gives no ranges, and the file is longer than ${most} bytes`);
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  }
  return blobSource(new Blob(pieces));
}

/** A weak validator tells less than nothing would: bytes may differ. */
function versionOf(response: Response, size: number): string {
  const range = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  const etag = response.headers.get("etag") ?? "";
  const version = etag.startsWith("W/") ? "" : etag;
  return `${range ?? size} ${version} ${response.headers.get("last-modified") ?? ""}`;
}

/** No more than were asked for, whatever the server sends. */
async function bytesOf(response: Response, len: number, url: string | URL): Promise<Uint8Array> {
  const bytes = new Uint8Array(len);
  let at = 0;
  for await (const piece of chunksOf(response)) {
    if (at + piece.length > len) throw new RansError("source", `${url}: the server sent more than the ${len} bytes it was asked for`);
    bytes.set(piece, at);
    at += piece.length;
  }
  if (at < len) throw new RansError("source", `${url}: the server sent ${at} bytes of ${len}`);
  return bytes;
}
