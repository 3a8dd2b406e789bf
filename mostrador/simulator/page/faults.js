// The switches of faults.py: what the network does wrong, and whose phone is off.

import { at, button, call, make } from "./dom.js";
import { whenTool } from "./tools.js";
import { world } from "./world.js";

const KINDS = [
  ["500", "HTTP 500"],
  ["html502", "HTTP 502 with an HTML page"],
  ["429", "HTTP 429, too many calls"],
  ["400", "refuse it with an error code"],
  ["status", "accept it, then report it failed with a code"],
  ["timeout", "keep silent for 30 s, then cut the line"],
  ["disconnect", "cut the line at once"],
  ["drop_after_accept", "accept it, then cut the line"],
  ["hang_after_accept", "accept it, answer nothing for 30 s"],
  ["late_answer", "accept it, answer 2 s late"],
  ["wrong_json", "accept it, answer broken JSON"],
];
const CODES = [
  [130429, "number's rate limit"], [131056, "too many to one person"], [131047, "24 hours have passed"], [131026, "undeliverable"],
  [131048, "spam limit"], [131049, "healthy ecosystem"], [131050, "stopped marketing"], [131053, "media upload"], [131000, "something went wrong"],
  [132001, "no such template"], [190, "token expired"],
];
const MEDIA = [["", "as it should"], ["expired", "its address has expired"], ["gone", "it is gone"], ["wrong_sha", "its checksum is wrong"],
  ["too_large", "it claims to be 1 GB"], ["foreign_host", "its address is a stranger's"], ["redirect", "it redirects elsewhere"]];
const form = at("faults");
const field = {}; // controls by name
let faults = null;

export async function refreshFaults(known) {
  try {
    faults = known || (await call("GET", "faults"));
  } catch (problem) {
    return;
  }
  const count = faults.orders.length + ["duplicate", "delay_seconds", "reorder_seconds", "status_reorder", "drop_statuses", "media"].filter((name) => faults[name]).length;
  at("fault-count").textContent = String(count);
  at("fault-count").hidden = !count;
  at("fault-count").setAttribute("aria-label", count + " on");
  if (!at("panel-faults").hidden) show();
}

async function tell(method, path, body) {
  try {
    await refreshFaults(await call(method, path, body));
    field.wrong.textContent = "";
  } catch (problem) {
    field.wrong.textContent = problem.message;
    show();
  }
}

function choice(name, label, options, onChange) {
  const box = make("div", options.some(([, words]) => words.length > 24) ? "field wide" : "field");
  const title = make("label", "", label);
  const select = make("select");
  title.htmlFor = select.id = "fault-" + name;
  select.append(...options.map(([value, words]) => {
    const option = make("option", "", words);
    option.value = String(value);
    return option;
  }));
  if (onChange) select.addEventListener("change", () => onChange(select.value));
  field[name] = select;
  box.append(title, select);
  return box;
}

function check(name, label, onChange) {
  const box = make("label", "check");
  const input = make("input");
  input.type = "checkbox";
  input.addEventListener("change", () => onChange(input.checked));
  field[name] = input;
  box.append(input, " " + label);
  return box;
}

function group(title, ...parts) {
  const box = make("fieldset");
  box.append(make("legend", "", title), ...parts);
  return box;
}

function build() {
  const number = (name) => (value) => tell("POST", "faults", { [name]: Number(value) });
  const chances = (words) => [[0, "never"], [0.1, "1 in 10 " + words], [0.3, "3 in 10 " + words], [1, "every time"]];
  const seconds = (none) => [[0, none], [1, "1 s"], [3, "3 s"], [10, "10 s"], [30, "30 s"]];
  const off = button("plain", "Switch all faults off", () => tell("DELETE", "faults"));
  field.orders = make("ul", "orders");
  field.phones = make("div", "switches");
  field.wrong = make("p", "wrong");
  field.wrong.setAttribute("role", "alert");
  form.replaceChildren(
    make("p", "lead", "What WhatsApp does wrong, so that you see how the shop bears it."),
    group(
      "Webhooks to the shop",
      choice("duplicate", "Delivered twice", chances("is"), number("duplicate")),
      choice("delay_seconds", "Delayed by", seconds("nothing"), number("delay_seconds")),
      choice("reorder_seconds", "Out of order within", seconds("never"), number("reorder_seconds")),
      choice("drop_statuses", "Reports that never come", chances("is lost"), number("drop_statuses")),
      check("status_reorder", "“Delivered” before “sent”", (on) => tell("POST", "faults", { status_reorder: on })),
    ),
    group(
      "Answers to the shop's calls",
      choice("kind", "The network shall", KINDS, showCode),
      choice("code", "Code", CODES.map(([code, words]) => [code, code + " " + words])),
      choice("times", "How often", [["1", "the next call"], ["3", "the next three"], ["half", "half of all, until switched off"], ["all", "all, until switched off"]]),
      choice("on", "Of", [["messages", "messages"], ["read", "read marks"], ["media", "files"]]),
      choice("who", "To", [["", "everybody"]]),
      button("strong", "Order it", order),
      field.orders,
    ),
    group("Files that people send", choice("media", "When the shop fetches one,", MEDIA, (value) => tell("POST", "faults", { media: value || null }))),
    group(
      "Rules of the network",
      choice("enforce_window", "Free text after 24 hours is", [["off", "allowed"], ["answer", "refused at once"], ["status", "accepted, then reported failed"]], (value) => configure({ enforce_window: value })),
      check("enforce_limits", "Meta's rate limits hold", (on) => configure({ enforce_limits: on })),
    ),
    group("Open phones", field.phones),
    field.wrong,
    off,
  );
  showCode();
}

function showCode() {
  const kind = field.kind.value;
  field.code.parentElement.hidden = kind !== "400" && kind !== "status";
  const late = kind === "status";
  field.on.parentElement.hidden = late;
}

function order() {
  const kind = field.kind.value;
  const code = field.code.value;
  const wanted = { kind: kind === "status" ? "status:" + code : kind === "400" ? (code === "190" ? "401:190" : "400:" + code) : kind };
  if (kind !== "status") wanted.on = field.on.value;
  if (field.who.value && wanted.on !== "read" && wanted.on !== "media") wanted.contact = field.who.value;
  const times = field.times.value;
  if (times === "half") wanted.probability = 0.5;
  else if (times === "all") wanted.probability = 1;
  else wanted.next = Number(times);
  tell("POST", "faults", wanted);
}

async function configure(values) {
  try {
    showConfig(await call("POST", "config", values));
    field.wrong.textContent = "";
  } catch (problem) {
    field.wrong.textContent = problem.message;
  }
}

function showConfig(config) {
  field.enforce_window.value = config.enforce_window;
  field.enforce_limits.checked = config.enforce_limits;
}

function words(one) {
  const kind = one.kind === "error" ? `HTTP ${one.http} with code ${one.code}` : one.kind === "status" ? `failed with code ${one.code}` : (KINDS.find(([name]) => name === one.kind) || ["", one.kind])[1];
  const who = one.contact ? " to " + (world.people.get(one.contact) || { name: one.contact }).name : "";
  const often = one.left ? (one.left === 1 ? "the next call" : "the next " + one.left) : one.probability < 1 ? Math.round(one.probability * 100) + " % of all" : "all";
  return kind + " · " + often + (one.on === "messages" || one.on === "status" ? "" : " · " + (one.on === "read" ? "read marks" : "files")) + who;
}

function set(select, value) {
  if (![...select.options].some((option) => option.value === String(value))) {
    const option = make("option", "", String(value));
    option.value = String(value);
    select.append(option);
  }
  select.value = String(value);
}

function show() {
  for (const name of ["duplicate", "delay_seconds", "reorder_seconds", "drop_statuses"]) set(field[name], faults[name]);
  field.media.value = faults.media || "";
  field.status_reorder.checked = faults.status_reorder;
  field.orders.replaceChildren(
    ...faults.orders.map((one) => {
      const item = make("li");
      const off = button("plain", "Take back", () => tell("DELETE", "faults/" + one.number));
      off.setAttribute("aria-label", "Take back: " + words(one));
      item.append(make("span", "", words(one)), off);
      return item;
    })
  );
  const chosen = field.who.value;
  field.who.replaceChildren(field.who.options[0], ...world.phones.map((phone) => {
    const option = make("option", "", phone.person ? phone.person.name : phone.key);
    option.value = phone.key;
    return option;
  }));
  field.who.value = world.phones.some((phone) => phone.key === chosen) ? chosen : "";
  field.phones.replaceChildren(
    ...world.phones.filter((phone) => phone.person).map((phone) => {
      const { person } = phone;
      const box = check("off-" + phone.key, person.name + "’s phone is switched off", async (on) => {
        try {
          await call("POST", "contacts", { key: phone.key, offline: on });
          field.wrong.textContent = "";
        } catch (problem) {
          field.wrong.textContent = problem.message;
        }
      });
      field["off-" + phone.key].checked = Boolean(person.offline);
      return box;
    })
  );
}

build();
form.addEventListener("submit", (event) => event.preventDefault());
whenTool("faults", async () => {
  await refreshFaults();
  call("GET", "config").then(showConfig).catch(() => {});
});
