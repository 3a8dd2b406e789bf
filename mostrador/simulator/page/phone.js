"use strict";
// The phone page. Everything that comes from a message reaches the page through textContent or a checked URL.

const SVG = "http://www.w3.org/2000/svg";
const KINDS = new Set(["in", "out", "status", "webhook", "read_mark", "contact", "reset", "given_up"]);
const HISTORY = 400;
const TYPING_MS = 25000;
const state = {
  people: new Map(), // key → contact with `last` and `unread`
  numbers: [],
  person: null, // key of the contact whose phone this is
  number: null, // business number the chat is with
  messages: new Map(), // wamid → {entry, statuses, node}
  last: 0,
  loading: null, // token of the chat being loaded
  typing: 0,
  lastDay: "",
};
const at = (id) => document.getElementById(id);

// --- small helpers

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function drawing(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const answer = await fetch("/_sim/" + path, options);
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || "The simulator answered " + answer.status);
  return found;
}

function complain(problem) {
  at("wrong").textContent = problem ? String(problem.message || problem) : "";
}

const safeLink = (url) => (/^https?:\/\//i.test(String(url)) ? String(url) : null);
const mediaUrl = (id) => "/_sim/media/" + encodeURIComponent(id);
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}

// *bold*, _italic_, ~struck~, ```fixed``` and links, as the phone shows them; anything else stays text.
const MARKS = /```([\s\S]+?)```|(?<![\p{L}\p{N}])([*_~])(?=\S)([^\n]*?\S)\2(?![\p{L}\p{N}])|https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };

function format(text, parent, depth = 0) {
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    parent.append(text.slice(from, found.index));
    if (found[1] !== undefined) {
      parent.append(make("code", "", found[1]));
    } else if (found[2]) {
      const node = make(TAGS[found[2]]);
      if (depth < 3) format(found[3], node, depth + 1);
      else node.textContent = found[3];
      parent.append(node);
    } else {
      const link = make("a", "", found[0]);
      link.href = found[0];
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      parent.append(link);
    }
    from = found.index + found[0].length;
  }
  parent.append(text.slice(from));
  return parent;
}

const plain = (text) => format(text, make("span")).textContent.replace(/\s+/g, " ").slice(0, 80);

// --- the list of phones

const initial = (name) => (Array.from(name.trim())[0] || "?").toLocaleUpperCase();
const tint = (key) => "tint" + (Array.from(key).reduce((sum, c) => sum + c.charCodeAt(0), 0) % 6);

function showPeople() {
  const wanted = at("find").value.trim().toLocaleLowerCase();
  const list = at("people-list");
  const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  const rows = [...state.people.values()]
    .filter((p) => !wanted || [p.name, p.role, p.phone, p.user_id].join(" ").toLocaleLowerCase().includes(wanted))
    .sort((a, b) => (b.last ? b.last.at : 0) - (a.last ? a.last.at : 0) || a.name.localeCompare(b.name))
    .slice(0, 300);
  list.replaceChildren(
    ...rows.map((person) => {
      const row = make("button", "person");
      row.type = "button";
      row.dataset.key = person.key;
      if (person.key === state.person) row.setAttribute("aria-current", "true");
      const face = make("span", "face " + tint(person.key), initial(person.name));
      face.setAttribute("aria-hidden", "true");
      const words = make("span", "words");
      words.append(make("strong", "", person.name));
      const shown = person.phone ? "+" + person.phone : person.user_id;
      words.append(make("small", "", person.last && person.last.text ? plain(person.last.text) : shown));
      const side = make("span", "side");
      if (person.role) side.append(make("span", "role", person.role));
      if (person.unread) {
        const fresh = make("span", "new", String(person.unread));
        fresh.setAttribute("aria-label", person.unread + " new");
        side.append(fresh);
      }
      row.append(face, words, side);
      row.addEventListener("click", () => choose(person.key));
      const item = make("li");
      item.append(row);
      return item;
    })
  );
  if (focused) {
    const again = [...list.querySelectorAll(".person")].find((row) => row.dataset.key === focused);
    if (again) again.focus();
  }
}

let peopleDue = 0;
function showPeopleSoon() {
  if (!peopleDue) peopleDue = setTimeout(() => { peopleDue = 0; showPeople(); }, 150);
}

function openPeople(open) {
  at("app").classList.toggle("with-people", open);
  at("open-people").setAttribute("aria-expanded", String(open));
  at("scrim").hidden = !open;
  if (open) at("find").focus();
}

async function choose(key) {
  openPeople(false);
  state.person = key;
  const person = state.people.get(key);
  location.hash = "contact=" + encodeURIComponent(key);
  person.unread = 0;
  if (person.business && state.numbers.some((n) => n.id === person.business)) state.number = person.business;
  showPeople();
  await loadChat();
  if (matchMedia("(hover: hover)").matches) at("text").focus({ preventScroll: true }); // no keyboard pops up unasked
}

// --- the chat

function showBar() {
  const number = state.numbers.find((n) => n.id === state.number);
  const person = state.people.get(state.person);
  at("business-name").textContent = number ? number.name : "Mostrador";
  at("face").textContent = initial(number ? number.name : "M");
  at("numbers").value = state.number || "";
  const under = at("under");
  const typing = state.typing > Date.now();
  under.classList.toggle("typing", typing);
  under.textContent = typing ? "typing…" : person ? "You are " + person.name + (person.role ? " · " + person.role : "") : "Choose a phone";
  document.title = (person ? person.name + " · " : "") + "Mostrador · phone";
  const dots = at("messages").querySelector(".dots");
  if (typing && !dots) {
    const node = make("li", "dots");
    node.setAttribute("aria-hidden", "true");
    node.append(make("i"), make("i"), make("i"));
    const follow = nearEnd();
    at("messages").append(node);
    if (follow) toEnd();
  } else if (!typing && dots) dots.remove();
}

function setTyping(on) {
  state.typing = on ? Date.now() + TYPING_MS : 0;
  clearTimeout(setTyping.timer);
  if (on) setTyping.timer = setTimeout(showBar, TYPING_MS + 50);
  showBar();
}

async function loadChat() {
  const token = (state.loading = {});
  const waiting = (token.waiting = []);
  state.messages.clear();
  state.lastDay = "";
  at("messages").replaceChildren();
  setTyping(false);
  complain(null);
  at("log").setAttribute("aria-live", "off"); // the history is not news
  let entries = [];
  if (state.person) {
    const path = "log?newest=1&limit=" + HISTORY * 4 + "&contact=" + encodeURIComponent(state.person);
    entries = (await call("GET", path)).entries;
  }
  if (state.loading !== token) return;
  state.loading = null;
  for (const entry of entries) chatEntry(entry, true);
  const newest = entries.length ? entries[entries.length - 1].n : 0;
  for (const entry of waiting) if (entry.n > newest) chatEntry(entry, false);
  at("empty").hidden = state.messages.size > 0;
  showBar();
  toEnd();
  setTimeout(() => at("log").setAttribute("aria-live", "polite"), 300);
  tellRead();
}

const nearEnd = () => at("log").scrollHeight - at("log").scrollTop - at("log").clientHeight < 120;

function toEnd() {
  const log = at("log");
  log.scrollTop = log.scrollHeight;
  at("down").hidden = true;
}

function chatEntry(entry, old) {
  if (entry.business && entry.business !== state.number) return;
  if (entry.event === "in" || entry.event === "out") {
    if (state.messages.has(entry.id)) return;
    const reaction = entry.view && entry.view.reaction;
    const target = reaction && state.messages.get(reaction.to);
    if (target) {
      stick(target, reaction.emoji);
      return;
    }
    const follow = old || entry.event === "in" || nearEnd();
    const day = dayOf(entry.at);
    if (day !== state.lastDay) {
      state.lastDay = day;
      at("messages").append(make("li", "day", day));
    }
    const message = { entry, statuses: new Set(), webhook: null, node: null };
    state.messages.set(entry.id, message);
    message.node = bubble(message);
    const dots = at("messages").querySelector(".dots");
    if (dots) dots.before(message.node);
    else at("messages").append(message.node);
    at("empty").hidden = true;
    if (entry.event === "out" && !old) setTyping(false);
    if (follow) toEnd();
    else at("down").hidden = false;
    return;
  }
  if (entry.event === "status") {
    const message = state.messages.get(entry.id);
    if (!message) return;
    message.statuses.add(entry.status);
    if (entry.code) message.code = entry.code;
    showTick(message);
    if (entry.status === "delivered" && !old) tellReadSoon();
  } else if (entry.event === "webhook" && entry.kind === "message") {
    for (const id of entry.ids) {
      const message = state.messages.get(id);
      if (!message || (message.webhook === 200 && entry.http !== 200)) continue;
      message.webhook = entry.http;
      showTick(message);
    }
  } else if (entry.event === "read_mark") {
    const marked = state.messages.get(entry.id);
    for (const message of state.messages.values()) {
      if (message.entry.event !== "in" || !marked || message.entry.n > marked.entry.n) continue;
      message.statuses.add("read");
      showTick(message);
    }
    if (entry.typing && (!old || Date.now() / 1000 - entry.at < 5)) setTyping(true);
  }
}

function stick(message, emoji) {
  const had = message.node.querySelector(".stuck");
  if (had) had.remove();
  if (emoji) message.node.append(make("span", "stuck", emoji));
}

function tickOf(message) {
  const s = message.statuses;
  if (message.entry.event === "out") {
    if (s.has("failed") && !s.has("delivered") && !s.has("read")) return "failed";
    if (s.has("read")) return "read";
    if (s.has("delivered")) return "delivered";
    return s.has("sent") ? "sent" : "waiting";
  }
  if (s.has("read")) return "read";
  if (message.webhook === 200) return "delivered";
  return message.webhook === null ? "sent" : "failed";
}

const TICK_WORDS = { waiting: "on its way", sent: "sent", delivered: "delivered", read: "read", failed: "failed" };

function showTick(message) {
  const box = message.node.querySelector(".tick");
  if (!box) return;
  const tick = tickOf(message);
  box.className = "tick " + tick;
  box.dataset.tick = tick;
  box.replaceChildren();
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", TICK_WORDS[tick]);
  const why = message.node.querySelector(".why");
  why.textContent = "";
  if (tick === "failed") {
    box.textContent = "!";
    why.textContent = message.entry.event === "out"
      ? "not delivered" + (message.code ? " (" + message.code + ")" : "")
      : "the business did not take it" + (message.webhook ? " (HTTP " + message.webhook + ")" : "") + ", trying again";
    return;
  }
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 17 12");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", { waiting: "M8.5 2.2v4l2.4 1.6M8.5 .8a5.2 5.2 0 1 1 0 10.4a5.2 5.2 0 1 1 0-10.4", sent: "M3 6.5l3.4 3.5L13 2.5" }[tick]
    || "M1 6.5l3.4 3.5L11 2.5M7.6 9.2l.8.8L15 2.5");
  svg.append(path);
  box.append(svg);
}

function bubble(message) {
  const { entry } = message;
  const view = entry.view || { text: "", buttons: [] };
  const mine = entry.event === "in";
  const turn = make("li", "turn" + (mine ? " mine" : ""));
  turn.dataset.id = entry.id;
  const box = make("div", "bubble");
  box.append(make("span", "hidden", mine ? "You: " : "Business: "));
  if (view.quote) box.append(quote(view.quote));
  if (view.media) {
    box.append(media(view.media, view));
    if (view.media.kind === "image" || view.buttons.length) turn.classList.add("wide");
  }
  if (view.header) box.append(make("div", "head", view.header));
  if (view.reaction) box.append(make("div", "said", view.reaction.emoji || "reaction removed"));
  if (view.location) box.append(make("div", "note", "📍 " + view.location.latitude + ", " + view.location.longitude));
  if (view.label) box.append(make("div", "note", view.label.replace(/_/g, " ")));
  if (view.text) box.append(format(view.text, make("div", "said")));
  if (view.unregistered) box.append(make("div", "note", "template " + view.template));
  if (view.footer) box.append(make("div", "foot", view.footer));
  const meta = make("div", "meta");
  const time = make("time", "", clock(entry.at));
  time.dateTime = new Date(entry.at * 1000).toISOString();
  meta.append(make("span", "why"), time, make("span", "tick"));
  box.append(meta);
  turn.append(box);
  if (view.buttons.length) turn.append(buttons(entry, view));
  message.node = turn;
  showTick(message);
  return turn;
}

function quote(id) {
  const quoted = state.messages.get(id);
  const view = quoted ? quoted.entry.view : null;
  const words = view ? view.text || (view.media ? view.media.kind : "") || view.label || "message" : "an earlier message";
  const node = make("button", "quote", words.slice(0, 120));
  node.type = "button";
  node.setAttribute("aria-label", "Answer to: " + words.slice(0, 60));
  node.addEventListener("click", () => {
    const target = state.messages.get(id);
    if (target) target.node.scrollIntoView({ block: "center" });
  });
  return node;
}

// The file may still be on its way to the simulator when its message arrives: ask again for a while.
function patient(element, url, failed) {
  let tries = 0;
  element.addEventListener("error", () => {
    tries += 1;
    if (tries > 6) failed();
    else setTimeout(() => { element.src = url + "?try=" + tries; }, 150 * 2 ** tries);
  });
  element.src = url;
}

function media(item, view) {
  const url = mediaUrl(item.id);
  if (item.kind === "image" || item.kind === "sticker") {
    const image = make("img", item.kind === "sticker" ? "sticker" : "");
    image.alt = item.kind === "sticker" ? "Sticker" : "Picture" + (view.header ? ": " + view.header : "");
    image.decoding = "async";
    image.addEventListener("load", () => { if (nearEnd()) toEnd(); });
    if (item.kind === "sticker") {
      patient(image, url, () => image.remove());
      return image;
    }
    const frame = make("button", "picture" + (view.buttons.length ? "" : " whole"));
    frame.type = "button";
    frame.setAttribute("aria-label", "Open the picture");
    frame.append(image);
    frame.addEventListener("click", () => {
      at("viewer-image").src = image.src;
      at("viewer-image").alt = image.alt;
      at("viewer").showModal();
    });
    patient(image, url, () => {
      frame.replaceChildren(make("span", "", "The picture could not be loaded."));
      frame.className = "picture gone";
      frame.disabled = true;
    });
    return frame;
  }
  if (item.kind === "audio" || item.kind === "video") {
    const player = make(item.kind);
    player.controls = true;
    player.preload = "metadata";
    player.src = url;
    player.setAttribute("aria-label", item.kind === "audio" ? "Voice note" : "Video");
    return player;
  }
  const name = item.filename || "document";
  const link = make("a", "file");
  link.href = url + "?download=1";
  link.download = name;
  const ending = /\.([A-Za-z0-9]{1,4})$/.exec(name);
  const words = make("span");
  words.append(make("b", "", name), make("small", "", "Download"));
  const sort = make("span", "sort", ending ? ending[1].toUpperCase() : "FILE");
  sort.setAttribute("aria-hidden", "true");
  link.append(sort, words);
  return link;
}

function buttons(entry, view) {
  const box = make("div", "buttons");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Answers");
  if (view.list_button) {
    const open = make("button");
    open.type = "button";
    open.setAttribute("aria-haspopup", "dialog");
    open.append(drawing("M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"), view.list_button);
    open.addEventListener("click", () => openSheet(entry, view));
    box.append(open);
    return box;
  }
  for (const button of view.buttons) {
    if (button.kind === "url") {
      const url = safeLink(button.url);
      const link = make("a", "", button.title);
      if (url) {
        link.href = url;
        link.target = "_blank";
        link.rel = "noopener noreferrer";
      }
      box.append(link);
      continue;
    }
    const node = make("button", "", button.title);
    node.type = "button";
    node.addEventListener("click", () => send({ type: "tap", message_id: entry.id, id: button.id }));
    box.append(node);
  }
  return box;
}

function openSheet(entry, view) {
  at("sheet-title").textContent = view.list_button;
  const rows = [];
  let section = null;
  for (const button of view.buttons) {
    if (button.section && button.section !== section) rows.push(make("h3", "", button.section));
    section = button.section;
    const row = make("button", "row");
    row.type = "button";
    row.append(make("strong", "", button.title));
    if (button.description) row.append(make("small", "", button.description));
    row.addEventListener("click", () => {
      at("sheet").close();
      send({ type: "tap", message_id: entry.id, id: button.id });
    });
    rows.push(row);
  }
  at("sheet-rows").replaceChildren(...rows);
  at("sheet-rows").scrollTop = 0;
  at("sheet").showModal();
}

// --- writing

async function send(spec) {
  if (!state.person) {
    complain("Choose or add a phone first.");
    return false;
  }
  try {
    await call("POST", "contacts/" + encodeURIComponent(state.person) + "/send", { business: state.number, ...spec });
    complain(null);
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}

function fit() {
  const box = at("text");
  box.style.height = "auto"; // set through the CSSOM, which the policy allows
  box.style.height = Math.min(box.scrollHeight + 2, 130) + "px";
}

async function submit(event) {
  if (event) event.preventDefault();
  const box = at("text");
  const text = box.value;
  if (!text.trim()) return;
  box.value = "";
  fit();
  if (!(await send({ type: "text", text }))) {
    box.value = text;
    fit();
  }
}

const ACCEPTED = { image: "image/jpeg,image/png", document: "", audio: "audio/*" };
let attachKind = "image";

function openMenu(open) {
  at("attach-menu").hidden = !open;
  at("attach").setAttribute("aria-expanded", String(open));
  if (open) at("attach-menu").querySelector("button").focus();
}

async function sendFile(file, kind) {
  try {
    const answer = await fetch("/_sim/media?filename=" + encodeURIComponent(file.name), {
      method: "POST",
      headers: { "Content-Type": file.type || "application/octet-stream" },
      body: file,
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    const caption = at("text").value.trim();
    const spec = { type: kind, media_id: found.media_id };
    if (kind !== "audio" && caption) spec.caption = caption;
    if (await send(spec)) {
      if (spec.caption) at("text").value = "";
      fit();
    }
  } catch (problem) {
    complain(problem);
  }
}

// --- what the phone tells back: seen messages

let readDue = 0;
function tellReadSoon() {
  if (!readDue) readDue = setTimeout(() => { readDue = 0; tellRead(); }, 250);
}

function tellRead() {
  if (!state.person || document.visibilityState !== "visible") return;
  for (const message of state.messages.values()) {
    const s = message.statuses;
    if (message.entry.event === "out" && s.has("delivered") && !s.has("read") && !s.has("failed")) {
      call("POST", "contacts/" + encodeURIComponent(state.person) + "/read", { business: state.number }).catch(() => {});
      return;
    }
  }
}

// --- live updates

function listen() {
  const source = new EventSource("/_sim/events?since=" + state.last);
  source.addEventListener("open", () => { at("offline").hidden = true; });
  source.addEventListener("error", () => {
    at("offline").hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 1500);
  });
  source.addEventListener("reset", () => start(source));
  source.addEventListener("message", (event) => {
    const entry = JSON.parse(event.data);
    state.last = entry.n;
    if (entry.event === "reset") start(source);
    else if (KINDS.has(entry.event)) live(entry);
  });
}

function live(entry) {
  if (entry.event === "contact") {
    const known = state.people.get(entry.contact);
    state.people.set(entry.contact, { last: null, unread: 0, ...known, ...entry.who });
    showPeopleSoon();
    return;
  }
  const person = state.people.get(entry.contact);
  if (person && (entry.event === "in" || entry.event === "out")) {
    const view = entry.view || {};
    person.last = { at: entry.at, text: view.text || (view.media || {}).kind || view.label || "", event: entry.event };
    if (entry.event === "out" && (entry.contact !== state.person || entry.business !== state.number)) {
      person.unread = (person.unread || 0) + 1;
    }
    showPeopleSoon();
  }
  if (entry.contact !== state.person) return;
  if (state.loading) state.loading.waiting.push(entry);
  else chatEntry(entry, false);
}

async function start(oldSource) {
  if (oldSource) oldSource.close();
  let found;
  try {
    found = await call("GET", "contacts");
  } catch (problem) {
    at("offline").hidden = false;
    setTimeout(start, 1500);
    return;
  }
  state.people = new Map(found.contacts.map((person) => [person.key, { unread: 0, ...person }]));
  state.numbers = found.numbers;
  state.last = found.last;
  if (!state.numbers.some((n) => n.id === state.number)) state.number = state.numbers[0].id;
  at("numbers").replaceChildren(
    ...state.numbers.map((number) => {
      const option = make("option", "", "+" + number.display);
      option.value = number.id;
      return option;
    })
  );
  at("numbers-box").hidden = state.numbers.length < 2;
  const asked = new URLSearchParams(location.hash.slice(1)).get("contact");
  const first = [...state.people.values()].sort((a, b) => (b.last ? b.last.at : 0) - (a.last ? a.last.at : 0))[0];
  const key = asked && state.people.has(asked) ? asked : state.people.has(state.person) ? state.person : first ? first.key : null;
  listen();
  if (key) await choose(key);
  else {
    state.person = null;
    showPeople();
    await loadChat();
    if (matchMedia("(max-width: 720px)").matches) openPeople(true);
  }
}

// --- wiring

at("find").addEventListener("input", showPeople);
at("open-people").addEventListener("click", () => openPeople(true));
at("close-people").addEventListener("click", () => { openPeople(false); at("open-people").focus(); });
at("scrim").addEventListener("click", () => openPeople(false));
at("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const contact = { phone: at("add-phone").value };
  if (at("add-name").value.trim()) contact.name = at("add-name").value.trim();
  try {
    const made = (await call("POST", "contacts", contact)).contacts[0];
    state.people.set(made.key, { last: null, unread: 0, ...state.people.get(made.key), ...made });
    at("add").reset();
    at("add-wrong").textContent = "";
    await choose(made.key);
  } catch (problem) {
    at("add-wrong").textContent = problem.message;
  }
});
at("numbers").addEventListener("change", () => {
  state.number = at("numbers").value;
  loadChat().catch(complain);
});
at("write").addEventListener("submit", submit);
at("text").addEventListener("input", fit);
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
at("attach").addEventListener("click", () => openMenu(at("attach-menu").hidden));
at("attach-menu").addEventListener("keydown", (event) => {
  const items = [...at("attach-menu").querySelectorAll("button")];
  const here = items.indexOf(document.activeElement);
  if (event.key === "Escape") { openMenu(false); at("attach").focus(); }
  else if (event.key === "ArrowDown") items[(here + 1) % items.length].focus();
  else if (event.key === "ArrowUp") items[(here + items.length - 1) % items.length].focus();
});
for (const item of at("attach-menu").querySelectorAll("button")) {
  item.addEventListener("click", () => {
    openMenu(false);
    if (item.dataset.attach === "location") {
      send({ type: "location", latitude: -34.6037, longitude: -58.3816, name: "Obelisco", address: "Av. 9 de Julio, Buenos Aires" });
      return;
    }
    attachKind = item.dataset.attach;
    at("file").accept = ACCEPTED[attachKind];
    at("file").click();
  });
}
at("file").addEventListener("change", () => {
  const file = at("file").files[0];
  at("file").value = "";
  if (file) sendFile(file, attachKind);
});
document.addEventListener("click", (event) => {
  if (!at("attach-menu").hidden && !event.target.closest(".attach")) openMenu(false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && at("app").classList.contains("with-people")) {
    openPeople(false);
    at("open-people").focus();
  }
});
for (const name of ["sheet", "viewer"]) {
  at(name + "-close").addEventListener("click", () => at(name).close());
  at(name).addEventListener("click", (event) => { if (event.target === at(name)) at(name).close(); });
}
at("down").addEventListener("click", toEnd);
at("log").addEventListener("scroll", () => { if (nearEnd()) at("down").hidden = true; });
document.addEventListener("visibilitychange", tellReadSoon);
window.addEventListener("hashchange", () => {
  const asked = new URLSearchParams(location.hash.slice(1)).get("contact");
  if (asked && asked !== state.person && state.people.has(asked)) choose(asked);
});
start();
