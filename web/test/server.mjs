// The server of the tests: the package, golden streams, and files that are put there, given with
// ranges or in ways that servers should not.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const folders = { dist: join(web, "dist"), test: join(web, "test"), demo: join(web, "demo"), golden: join(web, "../tests/golden") };
const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".css": "text/css", ".svg": "image/svg+xml" };

/** `onResult` gets what a page posts. */
export async function startServer(onResult = () => {}) {
  const files = new Map();
  const asked = new Map();
  const server = createServer((request, response) => {
    serve(request, response, { files, asked, onResult }).catch((error) => {
      response.writeHead(500).end(`${error}`);
    });
  });
  // A case may compute for seconds between two requests.
  server.keepAliveTimeout = 300_000;
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close(), closeAll: () => server.closeAllConnections() };
}

async function serve(request, response, { files, asked, onResult }) {
  const [, kind, ...rest] = decodeURIComponent(new URL(request.url, "http://localhost").pathname).split("/");
  const name = rest.join("/");
  if (request.method === "PUT") {
    files.set(name, await body(request));
    return response.writeHead(204).end();
  }
  if (kind === "result") {
    onResult(JSON.parse((await body(request)).toString()));
    return response.writeHead(204).end();
  }
  if (kind === "asked") {
    const list = asked.get(name) ?? [];
    asked.set(name, []);
    return response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(list));
  }
  if (folders[kind]) return file(join(folders[kind], normalize(`/${name}`)), response);
  if (kind === "favicon.ico") return response.writeHead(204).end();
  const bytes = files.get(name);
  if (!bytes || kind === "missing") return response.writeHead(404).end();
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const from = range ? Number(range[1]) : 0;
  const to = range ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
  asked.set(name, [...(asked.get(name) ?? []), [from, to]]);
  if (!range || kind === "no-ranges") {
    return response.writeHead(200, { "content-length": bytes.length, "cache-control": "no-store" }).end(bytes);
  }
  if (from >= bytes.length) return response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
  const turn = asked.get(name).length;
  const headers = { "content-range": `bytes ${from}-${to - 1}/${bytes.length}`, "cache-control": "no-store", etag: kind === "changing" ? `"${turn}"` : '"1"' };
  let part = bytes.subarray(from, to);
  if (kind === "short" && turn > 1) part = part.subarray(0, part.length - 1);
  if (kind === "long" && turn > 1) part = Buffer.concat([part, Buffer.from("more")]);
  return response.writeHead(206, headers).end(part);
}

async function file(path, response) {
  try {
    const bytes = await readFile(path);
    response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream", "cache-control": "no-store" }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}
