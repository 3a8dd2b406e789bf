// The page: opens phones side by side and hands each what happens on the simulated network.

import { Phone } from "./chat.js";
import { arrows, at, button, call, make, narrow } from "./dom.js";
import { refreshFaults } from "./faults.js";
import { openPeople, peopleWith, showPeople, showPeopleSoon } from "./people.js";
import { refreshReplay, replayOn } from "./replay.js";
import { MOST_PHONES, phoneOf, world } from "./world.js";

const KINDS = new Set(["in", "out", "status", "webhook", "read_mark", "contact", "reset", "given_up"]);

// --- which phones are open

const hooks = {
  close: closePhone,
  people: () => openPeople(true),
  used: (phone) => activate(phone),
};

function activate(phone) {
  if (world.active === phone) return;
  world.active = phone;
  arrange();
}

function arrange() {
  const { phones } = world;
  at("columns").style.setProperty("--phones", String(Math.max(1, phones.length)));
  at("app").classList.toggle("many", phones.length > 1);
  for (const phone of phones) {
    phone.root.classList.toggle("active", phone === world.active);
    phone.part.close.hidden = phones.length < 2;
  }
  const tabs = at("tabs");
  tabs.hidden = phones.length < 2;
  tabs.replaceChildren(...phones.map((phone) => {
    const tab = button("tab", phone.person ? phone.person.name : phone.key, () => show(phone, true));
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-selected", String(phone === world.active));
    tab.tabIndex = phone === world.active ? 0 : -1;
    return tab;
  }));
  history.replaceState(null, "", "#contact=" + phones.map((phone) => encodeURIComponent(phone.key)).join(","));
  const names = phones.filter((phone) => phone.person).map((phone) => phone.person.name);
  document.title = (names.length ? names.join(", ") + " · " : "") + "Mostrador · phone";
}

function show(phone, keepFocus) {
  const had = keepFocus ? world.phones.indexOf(phone) : -1;
  activate(phone);
  phone.person.unread = 0;
  phone.toEnd();
  phone.tellRead();
  showPeopleSoon();
  if (had >= 0) at("tabs").children[had].focus();
}

function addPhone(key) {
  const phone = new Phone(key, hooks);
  if (!world.phones.length) at("columns").replaceChildren();
  world.phones.push(phone);
  at("columns").append(phone.root);
  return phone;
}

function closePhone(phone) {
  if (world.phones.length < 2) return;
  const position = world.phones.indexOf(phone);
  world.phones.splice(position, 1);
  phone.close();
  world.active = world.phones[Math.min(position, world.phones.length - 1)];
  arrange();
  showPeople();
  refreshFaults();
  world.active.focus();
}

async function settle(phone, key) {
  openPeople(false);
  world.active = phone;
  const loaded = phone.show(key);
  arrange();
  showPeople();
  refreshFaults();
  if (matchMedia("(hover: hover)").matches) phone.focus(); // no keyboard pops up unasked
  await loaded.catch((problem) => phone.complain(problem));
}

// In the phone that was used last.
async function choose(key) {
  const open = phoneOf(key);
  if (open) {
    openPeople(false);
    show(open);
    showPeople();
    if (!narrow.matches) open.focus();
    return;
  }
  await settle(world.active || addPhone(key), key);
}

// In a column of its own; the last one gives way when there are too many.
async function beside(key) {
  if (phoneOf(key)) return choose(key);
  const full = world.phones.length >= MOST_PHONES;
  return settle(full ? world.phones[MOST_PHONES - 1] : addPhone(key), key);
}

replayOn(async (key, name) => {
  if (!world.people.has(key)) world.people.set(key, { key, name, phone: key, role: "", last: null, unread: 0 });
  const focused = document.activeElement;
  await (world.active && world.active.messages.size && !narrow.matches ? beside(key) : choose(key));
  if (focused && focused.isConnected) focused.focus();
});
peopleWith({ choose, beside });

// --- live updates

function listen() {
  const source = new EventSource("/_sim/events?since=" + world.last);
  source.addEventListener("open", () => { at("offline").hidden = true; });
  source.addEventListener("error", () => {
    at("offline").hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 1500);
  });
  source.addEventListener("reset", () => start(source));
  source.addEventListener("message", (event) => {
    const entry = JSON.parse(event.data);
    world.last = entry.n;
    if (entry.event === "reset") start(source);
    else if (entry.event === "faults") refreshFaults(entry.faults);
    else if (entry.event === "fault") faultsSoon();
    else if (KINDS.has(entry.event)) live(entry);
  });
}

let faultsDue = 0;
function faultsSoon() {
  if (!faultsDue) faultsDue = setTimeout(() => { faultsDue = 0; refreshFaults(); }, 200);
}

function live(entry) {
  const phone = phoneOf(entry.contact);
  if (entry.event === "contact") {
    const known = world.people.get(entry.contact);
    world.people.set(entry.contact, { last: null, unread: 0, ...known, ...entry.who });
    if (phone) {
      phone.showBar();
      arrange();
      faultsSoon();
    }
    showPeopleSoon();
    return;
  }
  const person = world.people.get(entry.contact);
  if (person && (entry.event === "in" || entry.event === "out")) {
    const view = entry.view || {};
    const text = view.text || (view.media || {}).kind || (view.reaction || {}).emoji || view.label || "";
    person.last = { at: entry.at, text, event: entry.event };
    if (entry.event === "out" && !(phone && phone.visible && phone.number === entry.business)) person.unread = (person.unread || 0) + 1;
    showPeopleSoon();
  }
  if (phone) phone.live(entry);
}

async function start(oldSource) {
  if (oldSource) oldSource.close();
  let found;
  try {
    const [contacts, config] = await Promise.all([call("GET", "contacts"), call("GET", "config")]);
    found = contacts;
    world.explain = /\{id\}/.test(config.explain_url) && /^https?:\/\//i.test(config.explain_url) ? config.explain_url : "";
    world.replay = Boolean(config.replay_url);
  } catch (problem) {
    at("offline").hidden = false;
    setTimeout(start, 1500);
    return;
  }
  world.people = new Map(found.contacts.map((person) => [person.key, { unread: 0, ...person }]));
  world.numbers = found.numbers;
  world.last = found.last;
  listen();
  refreshFaults();
  refreshReplay();
  await openAsked();
}

// The phones named in the address, else those open before, else the one that was used last.
async function openAsked() {
  const known = (keys) => [...new Set(keys)].filter((key) => world.people.has(key)).slice(0, MOST_PHONES);
  const first = [...world.people.values()].sort((a, b) => (b.last ? b.last.at : 0) - (a.last ? a.last.at : 0))[0];
  let keys = known((new URLSearchParams(location.hash.slice(1)).get("contact") || "").split(","));
  if (!keys.length) keys = known(world.phones.map((phone) => phone.key));
  if (!keys.length && first) keys = [first.key];
  for (const phone of world.phones.splice(0)) phone.close();
  world.active = null;
  if (!keys.length) {
    showPeople();
    at("columns").replaceChildren(make("p", "empty", "Add a phone on the left to begin."));
    openPeople(true);
    return;
  }
  for (const key of keys) await settle(addPhone(key), key);
  if (keys.length > 1) activate(world.phones[0]);
}

// --- wiring

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  if (world.active) world.active.focus();
});
at("tabs").addEventListener("keydown", (event) => {
  const tabs = () => [...at("tabs").children];
  if (arrows(event, tabs, { across: true, down: false })) document.activeElement.click();
});
for (const name of ["sheet", "viewer"]) {
  at(name + "-close").addEventListener("click", () => at(name).close());
  at(name).addEventListener("click", (event) => { if (event.target === at(name)) at(name).close(); });
}
at("sheet-rows").addEventListener("keydown", (event) => arrows(event, () => [...at("sheet-rows").querySelectorAll(".row")]));
document.addEventListener("visibilitychange", () => { for (const phone of world.phones) phone.tellReadSoon(); });
narrow.addEventListener("change", () => { openPeople(false); for (const phone of world.phones) phone.tellReadSoon(); });
for (const node of document.querySelectorAll("[data-tool]")) {
  node.addEventListener("click", () => { if (narrow.matches) openPeople(false); });
}
window.addEventListener("hashchange", () => {
  const asked = (new URLSearchParams(location.hash.slice(1)).get("contact") || "").split(",").filter((key) => world.people.has(key));
  if (asked.length && asked.join() !== world.phones.map((phone) => phone.key).join()) openAsked();
});
start();
