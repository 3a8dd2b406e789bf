// Raw JSON both ways: a live list of the HTTP exchanges, and those of one message.

import { at, button, call, clock, make, plain } from "./dom.js";
import { openTool, whenTool } from "./tools.js";
import { world } from "./world.js";

const MOST = 300;
const WAIT = 20;
const list = at("exchanges");
let shown = []; // newest last
let last = 0;
let running = false;
let only = null; // the log entry whose exchanges are shown

// The exchanges of one message, in place of the live list.
export function showExchangesOf(entry) {
  only = entry;
  openTool("wire");
  refresh();
}

async function refresh() {
  at("wire-only").hidden = !only;
  at("wire-filters").hidden = Boolean(only);
  if (!only) {
    draw(shown.filter(wanted), false);
    return;
  }
  const about = only.view || {};
  const words = plain(about.text || (about.media || {}).kind || about.label || "message");
  at("wire-only").firstElementChild.textContent = "Only of “" + words.slice(0, 40) + "”";
  const entry = only;
  const { exchanges } = await call("GET", "wire?id=" + encodeURIComponent(entry.id));
  if (only !== entry) return;
  draw(exchanges, true);
  if (!exchanges.length) list.append(kept(entry));
  at("wire-nothing").hidden = true;
}

function wanted(exchange) {
  if (!at("wire-statuses").checked && /^(status|read mark)/.test(exchange.about)) return false;
  if (at("wire-whose").value !== "open") return true;
  return exchange.contacts.some((key) => world.phones.some((phone) => phone.key === key));
}

function draw(exchanges, open) {
  list.replaceChildren(...exchanges.slice(-MOST).reverse().map((exchange) => row(exchange, open)));
  at("wire-nothing").hidden = list.childElementCount > 0;
}

function nameOf(exchange) {
  const names = exchange.contacts.map((key) => (world.people.get(key) || { name: key }).name);
  return names.slice(0, 2).join(", ") + (names.length > 2 ? " …" : "");
}

function row(exchange, open) {
  const item = make("li");
  const box = make("details", "exchange " + exchange.direction);
  const head = make("summary");
  const arrow = make("span", "arrow", exchange.direction === "webhook" ? "→ shop" : "← shop");
  const good = exchange.http >= 200 && exchange.http < 300;
  const code = make("span", "http " + (good ? "good" : "bad"), exchange.http ? String(exchange.http) : exchange.error || "no answer");
  const about = make("span", "about");
  about.append(make("b", "", exchange.about));
  const who = [nameOf(exchange), exchange.attempt > 1 ? "try " + exchange.attempt : "", exchange.copy ? "copy" : ""].filter(Boolean).join(" · ");
  about.append(make("small", "", who));
  head.append(arrow, about, code, make("small", "when", clock(exchange.at) + " · " + Math.round(exchange.ms) + " ms"));
  box.append(head);
  let filled = false;
  const fill = () => {
    if (filled || !box.open) return;
    filled = true;
    box.append(...insides(exchange));
  };
  box.addEventListener("toggle", fill);
  box.open = open;
  fill();
  item.append(box);
  return item;
}

function insides(exchange) {
  const lines = [exchange.method + " " + exchange.url, ...Object.entries(exchange.headers).map(([name, value]) => name + ": " + value)];
  const parts = [make("h3", "", exchange.direction === "webhook" ? "The webhook that was posted" : "The Graph call that came"), block(lines.join("\n"))];
  if (exchange.body !== null) parts.push(block(exchange.body, true));
  parts.push(make("h3", "", "The answer: " + (exchange.http || exchange.error || "none")));
  if (exchange.answer !== null) parts.push(block(exchange.answer, true));
  else parts.push(make("p", "nothing", "without a body"));
  return parts;
}

// An exchange of before the simulator was started: the log still has the message.
function kept(entry) {
  const item = make("li", "kept");
  const where = entry.event === "in" ? "entry[].changes[].value.messages[]" : "the body of the Graph call";
  item.append(make("p", "nothing", "The exchange itself is no longer kept. The log has its message (" + where + "):"), block(entry.message, true));
  return item;
}

function block(value, copied = false) {
  const box = make("div", "json");
  const code = make("pre");
  code.tabIndex = 0; // so that the keyboard can scroll it
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  if (typeof value === "string") code.textContent = value;
  else colour(text, code);
  box.append(code);
  if (copied) {
    const copy = button("plain copy", "Copy", async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch (problem) {
        copy.textContent = "Not allowed";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    box.append(copy);
  }
  return box;
}

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function colour(text, parent) {
  let from = 0;
  for (const found of text.matchAll(TOKENS)) {
    parent.append(text.slice(from, found.index));
    const kind = found[2] ? "name" : found[1] ? "text" : "value";
    parent.append(make("span", kind, found[1] || found[0]), found[2] || "");
    from = found.index + found[0].length;
  }
  parent.append(text.slice(from));
}

// --- live

async function listen() {
  if (running) return;
  running = true;
  while (!at("panel-wire").hidden && !at("tools").hidden) {
    let found;
    try {
      found = await call("GET", "wire?wait=" + (last ? WAIT : 0) + "&since=" + last);
    } catch (problem) {
      await new Promise((done) => setTimeout(done, 1500));
      continue;
    }
    if (found.last < last) shown = []; // another simulator
    last = found.last;
    if (!found.exchanges.length) {
      if (!last) await new Promise((done) => setTimeout(done, 1000));
      continue;
    }
    shown = shown.concat(found.exchanges).slice(-1000);
    if (only || at("wire-paused").checked) continue;
    for (const exchange of found.exchanges.filter(wanted)) list.prepend(row(exchange, false));
    while (list.childElementCount > MOST) list.lastElementChild.remove();
    at("wire-nothing").hidden = list.childElementCount > 0;
  }
  running = false;
}

for (const id of ["wire-whose", "wire-statuses", "wire-paused"]) at(id).addEventListener("change", refresh);
at("wire-clear").addEventListener("click", () => { shown = []; refresh(); });
at("wire-all").addEventListener("click", () => { only = null; refresh(); });
whenTool("wire", () => { refresh(); listen(); });
