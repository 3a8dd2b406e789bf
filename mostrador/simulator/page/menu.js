// The one menu of a message: a row of reactions, then commands. Arrow keys, Enter, Escape.

import { arrows, at, button, make } from "./dom.js";

let opener = null;

// `items`: {label, run} or {label, href}; with `emoji` it stands in the row of reactions.
export function openMenu(node, items) {
  if (opener === node) {
    closeMenu();
    return;
  }
  closeMenu();
  const menu = at("message-menu");
  const emojis = make("div", "emojis");
  emojis.setAttribute("role", "group");
  emojis.setAttribute("aria-label", "Reactions");
  const rest = [];
  for (const item of items) {
    const entry = item.href ? make("a", "", item.label) : button(item.emoji ? "emoji" : "", item.emoji || item.label);
    if (item.href) {
      entry.href = item.href;
      entry.target = "_blank";
      entry.rel = "noopener noreferrer";
    }
    entry.tabIndex = -1;
    entry.setAttribute("role", item.emoji ? "menuitemcheckbox" : "menuitem");
    if (item.emoji) {
      entry.setAttribute("aria-label", item.label);
      entry.setAttribute("aria-checked", String(item.chosen));
    }
    entry.addEventListener("click", () => {
      closeMenu(true);
      if (item.run) item.run();
    });
    if (item.emoji) emojis.append(entry);
    else rest.push(entry);
  }
  menu.replaceChildren(emojis, ...rest);
  menu.hidden = false;
  opener = node;
  node.setAttribute("aria-expanded", "true");
  place();
  menu.querySelector("[role^=menuitem]").focus();
}

function place() {
  const menu = at("message-menu");
  const by = opener.getBoundingClientRect();
  const left = Math.max(8, Math.min(by.left + by.width / 2 - menu.offsetWidth / 2, innerWidth - menu.offsetWidth - 8));
  const below = by.bottom + 4 + menu.offsetHeight < innerHeight - 8;
  menu.style.left = left + "px";
  menu.style.top = (below ? by.bottom + 4 : Math.max(8, by.top - menu.offsetHeight - 4)) + "px";
}

export function closeMenu(back = false) {
  if (!opener) return;
  at("message-menu").hidden = true;
  opener.setAttribute("aria-expanded", "false");
  if (back) opener.focus();
  opener = null;
}

at("message-menu").addEventListener("keydown", (event) => {
  const items = () => [...at("message-menu").querySelectorAll("[role^=menuitem]")];
  if (event.key === "Escape") {
    closeMenu(true);
    event.stopPropagation();
  } else if (event.key === "Tab") closeMenu();
  else arrows(event, items, { across: true });
});
document.addEventListener("pointerdown", (event) => {
  if (opener && !opener.contains(event.target) && !at("message-menu").contains(event.target)) closeMenu();
});
window.addEventListener("resize", () => closeMenu());
document.addEventListener("scroll", () => { if (opener) place(); }, true); // new messages move the old ones
