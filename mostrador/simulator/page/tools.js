// The drawer beside the chats: raw JSON, faults, replay.

import { arrows, at } from "./dom.js";

const NAMES = ["wire", "faults", "replay"];
const watchers = new Map();
let opener = null;

// Calls `work` whenever the tool is shown.
export function whenTool(name, work) {
  watchers.set(name, work);
}

export function openTool(name) {
  if (at("tools").hidden) opener = document.activeElement;
  at("tools").hidden = false;
  at("app").classList.add("with-tools");
  for (const other of NAMES) {
    const chosen = other === name;
    at("panel-" + other).hidden = !chosen;
    at("tab-" + other).setAttribute("aria-selected", String(chosen));
    at("tab-" + other).tabIndex = chosen ? 0 : -1;
    document.querySelector(`[data-tool=${other}]`).setAttribute("aria-expanded", String(chosen));
  }
  at("tab-" + name).focus();
  if (watchers.has(name)) watchers.get(name)();
}

export function closeTools() {
  if (at("tools").hidden) return;
  at("tools").hidden = true;
  at("app").classList.remove("with-tools");
  for (const one of document.querySelectorAll("[data-tool]")) one.setAttribute("aria-expanded", "false");
  if (opener && opener.isConnected && opener.checkVisibility({ visibilityProperty: true })) opener.focus();
  else document.querySelector(".phone.active .open-people, .phone.active textarea").focus();
  opener = null;
}

for (const one of document.querySelectorAll("[data-tool]")) {
  one.addEventListener("click", () => {
    const open = one.getAttribute("aria-expanded") === "true";
    if (open) closeTools();
    else openTool(one.dataset.tool);
  });
}
for (const name of NAMES) at("tab-" + name).addEventListener("click", () => openTool(name));
document.querySelector(".tool-tabs").addEventListener("keydown", (event) => {
  const tabs = () => NAMES.map((name) => at("tab-" + name));
  if (arrows(event, tabs, { across: true, down: false })) openTool(document.activeElement.id.slice(4));
});
at("close-tools").addEventListener("click", closeTools);
at("tools").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) closeTools();
});
