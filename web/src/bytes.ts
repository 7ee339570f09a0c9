/** Bytes in one of the shapes that JavaScript has for them. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** The same bytes, without a copy. */
export function asBytes(bytes: Bytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new TypeError("not bytes: an ArrayBuffer or a view of one is needed");
}

/** All chunks in one piece. */
export function join(chunks: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const whole = new Uint8Array(chunks.reduce((len, chunk) => len + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Bytes that come in one piece or in several. */
export async function* chunksOf(input: Bytes | Blob | Response | ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (input instanceof Blob) input = input.stream();
  if (input instanceof Response) {
    if (!input.ok) throw new Error(`${input.url}: ${input.status} ${input.statusText}`);
    if (!input.body) return;
    input = input.body;
  }
  if (!(input instanceof ReadableStream)) {
    yield asBytes(input);
    return;
  }
  const reader = input.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      yield asBytes(value);
    }
  } finally {
    // Whoever stops early wants no more of it.
    if (!ended) await reader.cancel().catch(() => {});
  }
}

/** The next chunk that is not empty; `undefined`: there is none. */
export async function nextChunk(input: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await input.next();
    if (done) return undefined;
    if (value.length > 0) return value;
  }
}
