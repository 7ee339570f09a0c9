// Runs the cases in headless Chromium: `node test/browser.mjs [PART OF A NAME]`. CHROMIUM names
// another program.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server.mjs";

const LIMIT_MS = 240_000;

const profile = await mkdtemp(join(tmpdir(), "ranstream-web-"));
let finish;
const finished = new Promise((done) => (finish = done));
const server = await startServer(({ line, failed }) => {
  if (line !== undefined) console.log(line);
  if (failed) finish(failed);
});
const page = `${server.url}/test/page.html?filter=${encodeURIComponent(process.argv[2] ?? "")}`;
const browser = spawn(
  process.env.CHROMIUM ?? "chromium",
  [
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // WebGPU without a GPU, by the rasteriser that comes with Chromium.
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    `--user-data-dir=${profile}`,
    page,
  ],
  { stdio: ["ignore", "ignore", process.env.CHROMIUM_LOG ? "inherit" : "ignore"] },
);
browser.once("error", (error) => finish([`${error}`]));
browser.once("exit", (code) => finish([`the browser ended with ${code}`]));
const limit = setTimeout(() => finish([`not done after ${LIMIT_MS / 1000} s`]), LIMIT_MS);
const failed = await finished;
clearTimeout(limit);
const gone = new Promise((done) => browser.exitCode === null ? browser.once("exit", done) : done());
browser.kill("SIGKILL");
if (browser.pid) await gone;
server.close();
server.closeAll();
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
for (const name of failed) console.log(`FAILED ${name}`);
process.exitCode = failed.length > 0 ? 1 : 0;
