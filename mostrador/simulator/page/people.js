// The list of phones: who may write, and which phones are open.

import { arrows, at, button, call, drawing, initial, make, narrow, plain, tint } from "./dom.js";
import { MOST_PHONES, phoneOf, world } from "./world.js";

const MOST_SHOWN = 300;
let hooks = { choose: () => {}, beside: () => {} };
let due = 0;

export function peopleWith(given) {
  hooks = given;
}

const mains = () => [...at("people-list").querySelectorAll(".person")];

export function showPeople() {
  const wanted = at("find").value.trim().toLocaleLowerCase();
  const list = at("people-list");
  const focused = document.activeElement && list.contains(document.activeElement) ? document.activeElement : null;
  const back = focused && { key: focused.dataset.key, beside: focused.classList.contains("beside") };
  const rows = [...world.people.values()]
    .filter((p) => !wanted || [p.name, p.role, p.phone, p.user_id].join(" ").toLocaleLowerCase().includes(wanted))
    .sort((a, b) => (b.last ? b.last.at : 0) - (a.last ? a.last.at : 0) || a.name.localeCompare(b.name))
    .slice(0, MOST_SHOWN);
  const stop = (rows.find((p) => back && p.key === back.key) || rows.find((p) => world.active && p.key === world.active.key) || rows[0] || {}).key;
  list.replaceChildren(...rows.map((person) => item(person, person.key === stop)));
  if (back) {
    const again = [...list.querySelectorAll(back.beside ? ".beside" : ".person")].find((row) => row.dataset.key === back.key);
    if (again) again.focus();
  }
}

function item(person, stop) {
  const row = button("person", undefined, (event) => {
    if (event.ctrlKey || event.metaKey) hooks.beside(person.key);
    else hooks.choose(person.key);
  });
  row.dataset.key = person.key;
  row.tabIndex = stop ? 0 : -1;
  if (phoneOf(person.key)) row.setAttribute("aria-current", "true");
  const face = make("span", "face " + tint(person.key), initial(person.name));
  face.setAttribute("aria-hidden", "true");
  const words = make("span", "words");
  words.append(make("strong", "", person.name));
  const shown = person.phone ? "+" + person.phone : person.user_id;
  words.append(make("small", "", person.last && person.last.text ? plain(person.last.text) : shown));
  const side = make("span", "side");
  if (person.role) side.append(make("span", "role", person.role));
  if (person.offline) side.append(make("span", "role", "off"));
  if (person.unread) {
    const fresh = make("span", "new", String(person.unread));
    fresh.setAttribute("aria-label", person.unread + " new");
    side.append(fresh);
  }
  row.append(face, words, side);
  const box = make("li");
  box.append(row);
  if (!phoneOf(person.key)) {
    const beside = button("icon beside", undefined, () => hooks.beside(person.key));
    beside.dataset.key = person.key;
    beside.tabIndex = stop ? 0 : -1;
    beside.setAttribute("aria-label", "Open side by side: " + person.name);
    beside.title = "Open side by side (up to " + MOST_PHONES + ")";
    beside.append(drawing("M4 5h7v14H4zM14 5h6M14 12h6M17 9v6"));
    box.append(beside);
  }
  return box;
}

export function showPeopleSoon() {
  if (!due) due = setTimeout(() => { due = 0; showPeople(); }, 150);
}

export function openPeople(open) {
  at("app").classList.toggle("with-people", open);
  for (const phone of world.phones) phone.part["open-people"].setAttribute("aria-expanded", String(open));
  at("scrim").hidden = !open;
  if (open) at("find").focus();
}

function shut() {
  openPeople(false);
  if (world.active && narrow.matches) world.active.part["open-people"].focus();
}

at("find").addEventListener("input", showPeople);
at("find").addEventListener("keydown", (event) => {
  const first = mains()[0];
  if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
  else if (event.key === "Enter" && first) { event.preventDefault(); first.click(); }
});
at("people-list").addEventListener("keydown", (event) => {
  const here = event.target;
  if (event.key === "ArrowUp" && here === mains()[0]) {
    event.preventDefault();
    at("find").focus();
  } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    const other = here.parentElement.querySelector(event.key === "ArrowRight" ? ".beside" : ".person");
    if (other) other.focus();
  } else if (here.classList.contains("beside") && /^Arrow|Home|End/.test(event.key)) {
    here.parentElement.querySelector(".person").focus();
    arrows(event, mains);
  } else arrows(event, mains);
});
at("people-list").addEventListener("focusin", (event) => {
  for (const node of at("people-list").querySelectorAll("[tabindex='0']")) node.tabIndex = -1;
  for (const node of event.target.closest("li").querySelectorAll("button")) node.tabIndex = 0;
});
at("close-people").addEventListener("click", shut);
at("scrim").addEventListener("click", () => openPeople(false));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && at("app").classList.contains("with-people")) shut();
});
at("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const contact = { phone: at("add-phone").value };
  if (at("add-name").value.trim()) contact.name = at("add-name").value.trim();
  try {
    const made = (await call("POST", "contacts", contact)).contacts[0];
    world.people.set(made.key, { last: null, unread: 0, ...world.people.get(made.key), ...made });
    at("add").reset();
    at("add-wrong").textContent = "";
    await hooks.choose(made.key);
  } catch (problem) {
    at("add-wrong").textContent = problem.message;
  }
});
