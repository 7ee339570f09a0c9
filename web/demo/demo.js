// The demo: a file of the user's through the coder and back, and a look into a remote file.
import { RansDecoderStream, RansEncoderStream, RansFile, blocks } from "../dist/ranstream.js";

const $ = (id) => document.getElementById(id);

const COLOURS = ["lanes", "lz", "pivot", "planes", "stored", "fill"];
const colour = (mode) => `var(--${COLOURS.includes(mode) ? mode : "small"})`;

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [unit, value] = [0, count];
  while (value >= 1000 && unit < units.length - 1) [unit, value] = [unit + 1, value / 1000];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const speed = (len, ms) => (len === 0 ? "–" : `${bytes(len / Math.max(ms / 1000, 0.0005))}/s`);

/** All of a stream as a blob, and how long that took. */
async function gather(stream) {
  const start = performance.now();
  const blob = await new Response(stream).blob();
  return { blob, ms: performance.now() - start };
}

async function same(one, other) {
  if (one.size !== other.size) return false;
  const step = 8 << 20;
  for (let at = 0; at < one.size; at += step) {
    const parts = [one, other].map(async (blob) => new Uint8Array(await blob.slice(at, at + step).arrayBuffer()));
    const [a, b] = await Promise.all(parts);
    if (a.some((byte, index) => byte !== b[index])) return false;
  }
  return true;
}

/** Counts files: only the last one is shown. */
let turn = 0;

async function take(file) {
  const mine = ++turn;
  $("problem").hidden = true;
  $("drop").classList.add("busy");
  try {
    const isStream = new Uint8Array(await file.slice(0, 4).arrayBuffer()).join() === "137,82,78,83";
    const level = Number(document.querySelector("[name=level]:checked").value);
    const encoder = () => new RansEncoderStream({ level, index: true, contentLength: file.size });
    const coded = isStream ? { blob: file } : await gather(file.stream().pipeThrough(encoder()));
    const raw = await gather(coded.blob.stream().pipeThrough(new RansDecoderStream()));
    const list = [];
    for await (const block of blocks(coded.blob)) list.push(block);
    const isSame = isStream || (await same(file, raw.blob));
    if (mine === turn) show({ file, coded, raw, list, isStream, isSame });
  } catch (error) {
    if (mine !== turn) return;
    $("result").hidden = true;
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  }
  if (mine === turn) $("drop").classList.remove("busy");
}

function show({ file, coded, raw, list, isStream, isSame }) {
  const [rawLen, codedLen] = [raw.blob.size, coded.blob.size];
  $("name").textContent = file.name;
  $("ratio").textContent = rawLen === 0 ? "–" : `${((100 * codedLen) / rawLen).toFixed(1)} %`;
  $("ratio-note").textContent = rawLen === 0 ? "of nothing" : `${(rawLen / codedLen).toFixed(2)} to 1`;
  $("sizes").textContent = bytes(codedLen);
  $("sizes-note").textContent = `of ${bytes(rawLen)}`;
  $("encode").textContent = coded.ms === undefined ? "–" : speed(rawLen, coded.ms);
  $("decode").textContent = speed(rawLen, raw.ms);
  $("decode-note").textContent = isStream ? "decoding" : isSame ? "decoding, same bytes" : "decoding, OTHER BYTES";
  drawMap(list.filter((block) => block.rawLen > 0));
  $("save").textContent = isStream ? "Save restored" : "Save .rans";
  $("save").onclick = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(isStream ? raw.blob : coded.blob);
    link.download = isStream ? file.name.replace(/\.rans$/, "") : `${file.name}.rans`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  $("result").hidden = false;
}

/** One bar for each block, as high as what is left of it; in long files one for several blocks. */
function drawMap(list) {
  const bars = Math.min(list.length, 240);
  const modes = new Map();
  for (const { mode } of list) modes.set(mode, (modes.get(mode) ?? 0) + 1);
  $("map").replaceChildren(...Array.from({ length: bars }, (_, bar) => barOf(list.slice(...[bar, bar + 1].map((at) => Math.floor((at * list.length) / bars))))));
  $("map").setAttribute("aria-label", `${list.length} blocks`);
  $("legend").replaceChildren(
    ...[...modes].map(([mode, count]) => {
      const item = document.createElement("li");
      item.style.setProperty("--of", colour(mode));
      item.textContent = `${mode}, ${count} ${count === 1 ? "block" : "blocks"}`;
      return item;
    }),
  );
  $("hover").textContent = list.length === 0 ? "" : "A bar is a block; its filled part is what is left of it.";
}

function barOf(some) {
  const [first, last] = [some[0], some[some.length - 1]];
  const [rawLen, codedLen] = ["rawLen", "codedLen"].map((of) => some.reduce((sum, block) => sum + block[of], 0));
  const item = document.createElement("i");
  item.style.background = colour(first.mode);
  item.style.setProperty("--kept", `${Math.min(100, Math.max(4, (100 * codedLen) / rawLen))}%`);
  const which = some.length === 1 ? `block ${first.number}` : `blocks ${first.number} to ${last.number}`;
  item.dataset.note = `${which}: ${first.mode}, ${bytes(rawLen)} in ${bytes(codedLen)}, at byte ${first.offset}`;
  return item;
}

$("map").addEventListener("pointerover", ({ target }) => {
  if (target.dataset.note) $("hover").textContent = target.dataset.note;
});
$("file").addEventListener("change", ({ target }) => target.files[0] && take(target.files[0]));
$("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  // So that another level takes it again.
  if (event.dataTransfer.files[0]) $("file").files = event.dataTransfer.files;
  if ($("file").files[0]) take($("file").files[0]);
});
for (const input of document.querySelectorAll("[name=level]")) {
  input.addEventListener("change", () => $("file").files[0] && take($("file").files[0]));
}

// A remote file.

/** Rows of the view. */
const ROWS = 20;

let remote;

$("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("remote-problem").hidden = true;
  remote?.file.close();
  remote = undefined;
  const counts = { requests: 0, fetched: 0, parts: [] };
  const counting = async (url, init) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(init.headers.range).map(Number);
    const response = await fetch(url, init);
    const len = Number(response.headers.get("content-length") ?? to - from + 1);
    counts.requests += 1;
    counts.fetched += len;
    counts.parts.push([from, from + len]);
    return response;
  };
  try {
    const file = await RansFile.open($("url").value, { fetch: counting });
    remote = { file, counts, length: await file.length() };
    $("remote-raw").textContent = bytes(remote.length);
    $("remote-coded").textContent = bytes(file.codedLength);
    $("remote-note").hidden = true;
    $("view").hidden = false;
    await look();
  } catch (error) {
    $("view").hidden = true;
    $("remote-problem").textContent = error.message;
    $("remote-problem").hidden = false;
  }
});

let looking = false;
let again = false;

/** Shows what is at the place. While that is fetched, only the last place asked for counts. */
async function look() {
  again = true;
  if (looking) return;
  looking = true;
  while (again) {
    again = false;
    const { file, counts, length } = remote;
    // As many bytes in a row as there is room for.
    const width = [16, 12].find((width) => $("dump").clientWidth > 34 * width + 20) ?? 8;
    const at = Math.floor((($("place").value / 1000) * Math.max(0, length - ROWS * width)) / width) * width;
    try {
      $("dump").textContent = dump(await file.read(at, at + ROWS * width), at, width);
      $("remote-problem").hidden = true;
    } catch (error) {
      $("dump").textContent = "";
      $("remote-problem").textContent = error.message;
      $("remote-problem").hidden = false;
    }
    $("requests").textContent = counts.requests;
    $("fetched").textContent = bytes(counts.fetched);
    $("track").replaceChildren(...counts.parts.map((part) => fetchedPart(part, file.codedLength)));
  }
  looking = false;
}

function fetchedPart([from, to], all) {
  const item = document.createElement("i");
  item.style.left = `${(100 * from) / all}%`;
  item.style.width = `${(100 * (to - from)) / all}%`;
  return item;
}

$("place").addEventListener("input", () => remote && look());

function dump(part, at, width) {
  const rows = [];
  for (let row = 0; row < part.length; row += width) {
    const some = [...part.subarray(row, row + width)];
    const hex = some.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = some.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    rows.push(`${(at + row).toString(16).padStart(8, "0")}  ${hex.padEnd(3 * width - 1)}  ${text}`);
  }
  return rows.join("\n");
}

// A link to the page may name a file: #https://.../file.rans
if (location.hash.length > 1) {
  $("url").value = decodeURIComponent(location.hash.slice(1));
  $("open").requestSubmit();
}
