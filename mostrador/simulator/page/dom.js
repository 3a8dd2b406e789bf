// Small helpers. Everything that comes from a message reaches the page through textContent or a checked URL.

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function button(className, text, onClick) {
  const node = make("button", className, text);
  node.type = "button";
  if (onClick) node.addEventListener("click", onClick);
  return node;
}

export function drawing(path, box = "0 0 24 24") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

// One call of the control API; throws an Error whose message is the simulator's own sentence.
export async function call(method, path, body) {
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

export const ofContact = (key, what) => "contacts/" + encodeURIComponent(key) + "/" + what;
export const safeLink = (url) => (/^https?:\/\//i.test(String(url)) ? String(url) : null);
export const mediaUrl = (id) => "/_sim/media/" + encodeURIComponent(id);
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
export const initial = (name) => (Array.from(name.trim())[0] || "?").toLocaleUpperCase();
export const tint = (key) => "tint" + (Array.from(key).reduce((sum, c) => sum + c.charCodeAt(0), 0) % 6);

export function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}

export function sizeOf(bytes) {
  if (bytes < 1024) return bytes + " bytes";
  return bytes < 1048576 ? Math.round(bytes / 1024) + " KB" : (bytes / 1048576).toFixed(1) + " MB";
}

// *bold*, _italic_, ~struck~, ```fixed``` and links, as the phone shows them; anything else stays text.
const MARKS = /```([\s\S]+?)```|(?<![\p{L}\p{N}])([*_~])(?=\S)([^\n]*?\S)\2(?![\p{L}\p{N}])|https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };

export function format(text, parent, depth = 0) {
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

export const plain = (text, most = 80) => format(text, make("span")).textContent.replace(/\s+/g, " ").slice(0, most);

// Arrow keys, Home and End move the focus among `items()`; returns whether the key was one of them.
export function arrows(event, items, { across = false, down = true } = {}) {
  const all = items();
  const here = all.indexOf(document.activeElement);
  const step = { ArrowDown: down ? 1 : 0, ArrowUp: down ? -1 : 0, ArrowRight: across ? 1 : 0, ArrowLeft: across ? -1 : 0 }[event.key];
  let next = null;
  if (event.key === "Home") next = 0;
  else if (event.key === "End") next = all.length - 1;
  else if (step) next = here < 0 ? (step > 0 ? 0 : all.length - 1) : (here + step + all.length) % all.length;
  if (next === null || !all.length) return false;
  event.preventDefault();
  all[next].focus();
  return true;
}

export const narrow = matchMedia("(max-width: 720px)");
