// One open phone: a chat with one business number, its bubbles and its message box.

import { arrows, at, button, call, clock, dayOf, drawing, format, initial, make, mediaUrl, ofContact, plain, safeLink, sizeOf } from "./dom.js";
import { openMenu } from "./menu.js";
import { fitPicture, kindOf, record, recordable } from "./voice.js";
import { showExchangesOf } from "./wire.js";
import { world } from "./world.js";

const HISTORY = 400;
const TYPING_MS = 25000;
const REACTIONS = [["👍", "thumbs up"], ["❤️", "heart"], ["😂", "laughing"], ["😮", "surprised"], ["😢", "sad"], ["🙏", "thank you"]];
const ACCEPTED = { image: "image/*", document: "", audio: "audio/ogg,audio/mpeg,audio/mp4,audio/aac,audio/amr,.ogg,.mp3,.m4a", video: "video/mp4,video/3gpp" };
const TICK_WORDS = { waiting: "on its way", sent: "sent", delivered: "delivered", read: "read", failed: "failed" };
const TICKS = { waiting: "M8.5 2.2v4l2.4 1.6M8.5 .8a5.2 5.2 0 1 1 0 10.4a5.2 5.2 0 1 1 0-10.4", sent: "M3 6.5l3.4 3.5L13 2.5" };
const BOTH = "M1 6.5l3.4 3.5L11 2.5M7.6 9.2l.8.8L15 2.5";

export class Phone {
  // `hooks`: close(phone), people(), used(phone), changed()
  constructor(key, hooks) {
    this.key = key;
    this.hooks = hooks;
    this.number = null;
    this.messages = new Map(); // wamid → {entry, statuses, node, webhook, reactions}
    this.loading = null;
    this.typing = 0;
    this.lastDay = "";
    this.quoted = null; // wamid
    this.file = null; // {file, kind, url}
    this.voice = null;
    this.root = at("phone-template").content.firstElementChild.cloneNode(true);
    this.part = {};
    for (const node of this.root.querySelectorAll("[data-part]")) this.part[node.dataset.part] = node;
    this.wire();
  }

  get person() {
    return world.people.get(this.key);
  }

  get visible() {
    return document.visibilityState === "visible" && this.root.offsetParent !== null;
  }

  show(key) {
    this.key = key;
    const { person } = this;
    person.unread = 0;
    this.quote(null);
    this.attach(null);
    if (person.business && world.numbers.some((n) => n.id === person.business)) this.number = person.business;
    if (!world.numbers.some((n) => n.id === this.number)) this.number = world.numbers[0].id;
    this.part.numbers.replaceChildren(
      ...world.numbers.map((number) => {
        const option = make("option", "", "+" + number.display);
        option.value = number.id;
        return option;
      })
    );
    this.part["numbers-box"].hidden = world.numbers.length < 2;
    return this.load();
  }

  focus() {
    this.part.text.focus({ preventScroll: true });
  }

  close() {
    clearTimeout(this.typingTimer);
    this.resized.disconnect();
    if (this.voice) this.voice.cancel();
    this.attach(null);
    this.root.remove();
  }

  // --- head

  showBar() {
    const { part, person } = this;
    const number = world.numbers.find((n) => n.id === this.number);
    const shop = number ? number.name : "Mostrador";
    part["business-name"].textContent = shop;
    part.face.textContent = initial(shop);
    part.numbers.value = this.number || "";
    const typing = this.typing > Date.now();
    part.under.classList.toggle("typing", typing);
    part.under.textContent = typing ? "typing…" : person ? "You are " + person.name + (person.role ? " · " + person.role : "") : "";
    this.root.setAttribute("aria-label", person ? "Phone of " + person.name : "Phone");
    this.root.classList.toggle("off", Boolean(person && person.offline));
    const dots = part.messages.querySelector(".dots");
    if (typing && !dots) {
      const node = make("li", "dots");
      node.setAttribute("aria-hidden", "true");
      node.append(make("i"), make("i"), make("i"));
      const follow = this.nearEnd();
      part.messages.append(node);
      if (follow) this.toEnd();
    } else if (!typing && dots) dots.remove();
  }

  setTyping(on) {
    this.typing = on ? Date.now() + TYPING_MS : 0;
    clearTimeout(this.typingTimer);
    if (on) this.typingTimer = setTimeout(() => this.showBar(), TYPING_MS + 50);
    this.showBar();
  }

  complain(problem) {
    this.part.wrong.textContent = problem ? String(problem.message || problem) : "";
  }

  // --- the chat

  async load() {
    const token = (this.loading = { waiting: [] });
    this.messages.clear();
    this.lastDay = "";
    this.part.messages.replaceChildren();
    this.setTyping(false);
    this.complain(null);
    this.part.log.setAttribute("aria-live", "off"); // the history is not news
    const path = "log?newest=1&limit=" + HISTORY * 4 + "&contact=" + encodeURIComponent(this.key);
    const { entries } = await call("GET", path);
    if (this.loading !== token) return;
    this.loading = null;
    for (const entry of entries) this.entry(entry, true);
    const newest = entries.length ? entries[entries.length - 1].n : 0;
    for (const entry of token.waiting) if (entry.n > newest) this.entry(entry, false);
    this.part.empty.hidden = this.messages.size > 0;
    this.showBar();
    this.toEnd();
    setTimeout(() => this.part.log.setAttribute("aria-live", "polite"), 300);
    this.tellRead();
  }

  live(entry) {
    if (this.loading) this.loading.waiting.push(entry);
    else this.entry(entry, false);
  }

  nearEnd() {
    const { log } = this.part;
    return log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  }

  toEnd() {
    this.part.log.scrollTop = this.part.log.scrollHeight;
    this.atEnd = true;
    this.part.down.hidden = true;
  }

  entry(entry, old) {
    if (entry.business && entry.business !== this.number) return;
    if (entry.event === "in" || entry.event === "out") this.message(entry, old);
    else if (entry.event === "status") {
      const message = this.messages.get(entry.id);
      if (!message) return;
      message.statuses.add(entry.status);
      if (entry.code) message.code = entry.code;
      this.showTick(message);
      if (entry.status === "delivered" && !old) this.tellReadSoon();
    } else if (entry.event === "webhook" && entry.kind === "message") {
      for (const id of entry.ids) {
        const message = this.messages.get(id);
        if (!message || (message.webhook === 200 && entry.http !== 200)) continue;
        message.webhook = entry.http;
        this.showTick(message);
      }
    } else if (entry.event === "read_mark") this.readMark(entry, old);
  }

  message(entry, old) {
    if (this.messages.has(entry.id)) return;
    const reaction = entry.view && entry.view.reaction;
    const target = reaction && this.messages.get(reaction.to);
    if (target) {
      this.react(target, entry.event, reaction.emoji, old);
      return;
    }
    const follow = old || entry.event === "in" || this.nearEnd();
    const day = dayOf(entry.at);
    if (day !== this.lastDay) {
      this.lastDay = day;
      this.part.messages.append(make("li", "day", day));
    }
    const message = { entry, statuses: new Set(), webhook: null, node: null, reactions: new Map() };
    this.messages.set(entry.id, message);
    message.node = this.bubble(message);
    const dots = this.part.messages.querySelector(".dots");
    if (dots) dots.before(message.node);
    else this.part.messages.append(message.node);
    this.part.empty.hidden = true;
    if (entry.event === "out") this.answered(entry.n);
    if (entry.event === "out" && !old) this.setTyping(false);
    if (follow) this.toEnd();
    else this.part.down.hidden = false;
  }

  readMark(entry, old) {
    const marked = this.messages.get(entry.id);
    for (const message of this.messages.values()) {
      if (message.entry.event !== "in" || !marked || message.entry.n > marked.entry.n) continue;
      message.statuses.add("read");
      this.showTick(message);
    }
    if (entry.typing && (!old || Date.now() / 1000 - entry.at < 5)) this.setTyping(true);
  }

  react(message, side, emoji, old) {
    if (emoji) message.reactions.set(side, emoji);
    else message.reactions.delete(side);
    const had = message.node.querySelector(".stuck");
    if (had) had.remove();
    if (!message.reactions.size) return;
    const stuck = make("span", "stuck");
    for (const [who, what] of message.reactions) {
      stuck.append(make("span", "hidden", (who === "in" ? "You" : "The business") + " reacted with "), what + " ");
    }
    const follow = this.nearEnd();
    message.node.append(stuck);
    if (follow && !old) this.toEnd();
  }

  // What was written before an answer can be asked why.
  answered(number) {
    if (!world.explain) return;
    for (const asked of [...this.messages.values()].reverse()) {
      if (asked.why) return; // so are all before it
      if (asked.entry.event !== "in" || asked.entry.n > number) continue;
      asked.why = true;
      const link = make("a", "why-link", "why?");
      link.href = explainLink(asked.entry.id);
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.setAttribute("aria-label", "Why was it answered so?");
      asked.node.querySelector(".meta").prepend(link);
    }
  }

  // --- bubbles

  tickOf(message) {
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

  showTick(message) {
    const box = message.node.querySelector(".tick");
    const tick = this.tickOf(message);
    if (box.dataset.tick === tick && tick !== "failed") return;
    box.className = "tick " + tick;
    box.dataset.tick = tick;
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", TICK_WORDS[tick]);
    const failure = message.node.querySelector(".failure");
    failure.textContent = "";
    if (tick === "failed") {
      box.textContent = "!";
      failure.textContent = message.entry.event === "out"
        ? "not delivered" + (message.code ? " (" + message.code + ")" : "")
        : "the business did not take it" + (message.webhook ? " (HTTP " + message.webhook + ")" : "") + ", trying again";
      return;
    }
    box.replaceChildren(drawing(TICKS[tick] || BOTH, "0 0 17 12"));
  }

  nameOf(entry) {
    if (entry.event === "in") return this.person ? this.person.name : "You";
    const number = world.numbers.find((n) => n.id === this.number);
    return number ? number.name : "Business";
  }

  bubble(message) {
    const { entry } = message;
    const view = entry.view || { text: "", buttons: [] };
    const mine = entry.event === "in";
    const turn = make("li", "turn" + (mine ? " mine" : ""));
    turn.dataset.id = entry.id;
    const box = make("div", "bubble");
    box.append(make("span", "hidden", (mine ? "You: " : this.nameOf(entry) + ": ")));
    if (view.quote) box.append(this.quoteOf(view.quote));
    if (view.media) {
      box.append(this.media(view.media, view));
      if (view.media.kind === "image" || view.media.kind === "audio" || view.buttons.length) turn.classList.add("wide");
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
    meta.append(make("span", "failure"), time, make("span", "tick"));
    box.append(meta);
    const body = make("div", "body");
    body.append(box, this.options(message));
    turn.append(body);
    if (view.buttons.length) turn.append(this.buttons(entry, view));
    message.node = turn;
    this.showTick(message);
    return turn;
  }

  // One tab stop for all messages: the newest; arrow keys go to the others.
  options(message) {
    for (const other of this.part.messages.querySelectorAll(".options[tabindex='0']")) other.tabIndex = -1;
    const node = button("options", "", () => this.openOptions(message, node));
    node.setAttribute("aria-haspopup", "menu");
    node.setAttribute("aria-expanded", "false");
    const view = message.entry.view || {};
    node.setAttribute("aria-label", "Message options: " + plain(view.text || (view.media || {}).kind || view.label || "message").slice(0, 40));
    node.append(drawing("M6 9l6 6 6-6"));
    return node;
  }

  openOptions(message, node) {
    const { entry } = message;
    const own = message.reactions.get("in");
    const items = REACTIONS.map(([emoji, name]) => {
      const chosen = own === emoji;
      return {
        emoji, chosen, label: chosen ? "Take back " + name : "React: " + name,
        run: () => this.send({ type: "reaction", message_id: entry.id, emoji: chosen ? "" : emoji }),
      };
    });
    items.push({ label: "Reply", run: () => { this.quote(entry.id); this.focus(); } });
    if (entry.view && entry.view.text) {
      items.push({ label: "Copy the text", run: () => navigator.clipboard.writeText(entry.view.text).catch(() => this.complain("The browser does not let the page copy.")) });
    }
    items.push({ label: "Raw JSON", run: () => showExchangesOf(entry) });
    if (message.why) items.push({ label: "Why was it answered so?", href: explainLink(entry.id) });
    openMenu(node, items);
  }

  quoteOf(id) {
    const quoted = this.messages.get(id);
    const words = quoted ? wordsOf(quoted.entry.view) : "an earlier message";
    const node = button("quote", "", () => {
      const target = this.messages.get(id);
      if (!target) return;
      target.node.scrollIntoView({ block: "center" });
      target.node.classList.remove("found");
      void target.node.offsetWidth; // so that the flash starts anew
      target.node.classList.add("found");
    });
    if (quoted) node.append(make("b", "", quoted.entry.event === "in" ? "You" : this.nameOf(quoted.entry)));
    node.append(make("span", "", words));
    node.setAttribute("aria-label", "Answer to: " + words.slice(0, 60));
    return node;
  }

  media(item, view) {
    const url = mediaUrl(item.id);
    if (item.kind === "image" || item.kind === "sticker") {
      const image = make("img", item.kind === "sticker" ? "sticker" : "");
      image.alt = item.kind === "sticker" ? "Sticker" : "Picture" + (view.header ? ": " + view.header : "");
      image.decoding = "async";
      image.addEventListener("load", () => {
        image.classList.add("loaded");
        if (this.atEnd) this.toEnd();
      });
      if (item.kind === "sticker") {
        patient(image, url, () => image.remove());
        return image;
      }
      const frame = button("picture" + (view.buttons.length ? "" : " whole"), undefined, () => {
        at("viewer-image").src = image.src;
        at("viewer-image").alt = image.alt;
        at("viewer").showModal();
      });
      frame.setAttribute("aria-label", "Open the picture");
      frame.append(image);
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

  buttons(entry, view) {
    const box = make("div", "buttons");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Answers");
    if (view.list_button) {
      const open = button("", "", () => this.openSheet(entry, view));
      open.setAttribute("aria-haspopup", "dialog");
      open.append(drawing("M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"), view.list_button);
      box.append(open);
      return box;
    }
    for (const one of view.buttons) {
      if (one.kind === "url") {
        const url = safeLink(one.url);
        const link = make("a", "", one.title);
        if (url) {
          link.href = url;
          link.target = "_blank";
          link.rel = "noopener noreferrer";
        }
        box.append(link);
      } else {
        box.append(button("", one.title, () => this.send({ type: "tap", message_id: entry.id, id: one.id })));
      }
    }
    return box;
  }

  openSheet(entry, view) {
    at("sheet-title").textContent = view.list_button;
    const rows = [];
    let section = null;
    for (const one of view.buttons) {
      if (one.section && one.section !== section) rows.push(make("h3", "", one.section));
      section = one.section;
      const row = button("row", undefined, () => {
        at("sheet").close();
        this.send({ type: "tap", message_id: entry.id, id: one.id });
      });
      row.append(make("strong", "", one.title));
      if (one.description) row.append(make("small", "", one.description));
      rows.push(row);
    }
    at("sheet-rows").replaceChildren(...rows);
    at("sheet-rows").scrollTop = 0;
    at("sheet").showModal();
    at("sheet-rows").querySelector(".row").focus();
  }

  // --- writing

  async send(spec) {
    try {
      if (this.quoted && spec.type !== "tap" && spec.type !== "reaction") spec = { ...spec, reply_to: this.quoted };
      await call("POST", ofContact(this.key, "send"), { business: this.number, ...spec });
      if (spec.reply_to) this.quote(null);
      this.complain(null);
      return true;
    } catch (problem) {
      this.complain(problem);
      return false;
    }
  }

  async submit(event) {
    if (event) event.preventDefault();
    if (this.voice) return this.endVoice(true);
    if (this.file) return this.sendFile();
    const text = this.part.text.value;
    if (!text.trim()) return undefined;
    this.write("");
    if (!(await this.send({ type: "text", text }))) this.write(text);
    return undefined;
  }

  write(text) {
    this.part.text.value = text;
    this.fit();
  }

  fit() {
    const { text, record: recordButton, send } = this.part;
    text.style.height = "auto"; // set through the CSSOM, which the policy allows
    if (text.scrollHeight) text.style.height = Math.min(text.scrollHeight + 2, 130) + "px"; // 0 while another tab is shown
    const voice = !text.value.trim() && !this.file && !this.voice && Boolean(recordable());
    const focused = document.activeElement;
    recordButton.hidden = !voice;
    send.hidden = voice;
    if ((focused === send && voice) || (focused === recordButton && !voice)) this.focus();
  }

  quote(id) {
    const message = id && this.messages.get(id);
    this.quoted = message ? id : null;
    this.part.quoting.hidden = !message;
    if (!message) return;
    this.part["quoting-who"].textContent = message.entry.event === "in" ? "You" : this.nameOf(message.entry);
    this.part["quoting-words"].textContent = wordsOf(message.entry.view);
  }

  async attach(file, kind) {
    if (this.file) URL.revokeObjectURL(this.file.url);
    this.file = null;
    if (file) {
      try {
        if (kind === "image") file = await fitPicture(file);
        this.file = { file, kind, url: URL.createObjectURL(file) };
        this.complain(null);
      } catch (problem) {
        this.complain(problem);
      }
    }
    const chosen = this.file;
    this.part.attached.hidden = !chosen;
    this.part.preview.replaceChildren();
    this.part.text.placeholder = chosen && chosen.kind !== "audio" ? "Add a caption" : "Message";
    if (chosen) {
      this.part["attached-name"].textContent = chosen.file.name;
      this.part["attached-size"].textContent = sizeOf(chosen.file.size);
      const tag = { image: "img", audio: "audio", video: "video" }[chosen.kind];
      if (tag) {
        const shown = make(tag);
        if (tag === "img") shown.alt = "";
        else {
          shown.controls = tag === "audio";
          shown.setAttribute("aria-label", tag === "audio" ? "Your voice note" : "Your video");
        }
        shown.src = chosen.url;
        this.part.preview.append(shown);
      }
      this.focus();
    }
    this.fit();
  }

  async sendFile() {
    const { file, kind } = this.file;
    const text = this.part.text.value;
    try {
      const answer = await fetch("/_sim/media?filename=" + encodeURIComponent(file.name), {
        method: "POST",
        headers: { "Content-Type": file.type || "application/octet-stream" },
        body: file,
      });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error);
      const spec = { type: kind, media_id: found.media_id };
      if (kind === "audio") spec.voice = file.name.startsWith("voice.");
      else if (text.trim()) spec.caption = text.trim();
      if (!(await this.send(spec))) return;
      await this.attach(null);
      if (spec.caption) this.write("");
    } catch (problem) {
      this.complain(problem);
    }
  }

  async startVoice() {
    try {
      this.voice = await record();
    } catch (problem) {
      this.complain("No voice note: the browser gives no microphone (" + problem.name + "). Attach an audio file instead.");
      return;
    }
    this.part.recording.hidden = false;
    this.complain(null);
    const { began } = this.voice;
    this.voiceTimer = setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      this.part["recording-time"].textContent = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
    }, 250);
    this.part["recording-time"].textContent = "0:00";
    this.fit();
    this.part["recording-done"].focus();
  }

  async endVoice(keep) {
    const { voice } = this;
    if (!voice) return;
    this.voice = null;
    clearInterval(this.voiceTimer);
    this.part.recording.hidden = true;
    const file = keep ? await voice.stop() : voice.cancel();
    if (file) return this.attach(file, "audio");
    if (keep) this.complain("That was too short to hear. Record for a second or more.");
    this.fit();
    this.focus();
    return undefined;
  }

  // --- what the phone tells back: seen messages

  tellReadSoon() {
    if (this.readDue) return;
    this.readDue = setTimeout(() => { this.readDue = 0; this.tellRead(); }, 250);
  }

  tellRead() {
    if (!this.visible) return;
    for (const message of this.messages.values()) {
      const s = message.statuses;
      if (message.entry.event === "out" && s.has("delivered") && !s.has("read") && !s.has("failed")) {
        call("POST", ofContact(this.key, "read"), { business: this.number }).catch(() => {});
        return;
      }
    }
  }

  // --- wiring

  wire() {
    const { part } = this;
    this.root.addEventListener("focusin", () => this.hooks.used(this));
    this.root.addEventListener("pointerdown", () => this.hooks.used(this));
    part["open-people"].addEventListener("click", () => this.hooks.people());
    part.close.addEventListener("click", () => this.hooks.close(this));
    part.numbers.addEventListener("change", () => {
      this.number = part.numbers.value;
      this.load().catch((problem) => this.complain(problem));
    });
    part.write.addEventListener("submit", (event) => this.submit(event));
    part.text.addEventListener("input", () => this.fit());
    part.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
      else if (event.key === "Escape" && this.file) this.attach(null);
      else if (event.key === "Escape" && this.quoted) this.quote(null);
    });
    part.text.addEventListener("paste", (event) => {
      const file = event.clipboardData.files[0];
      if (!file) return;
      event.preventDefault();
      this.attach(file, kindOf(file));
    });
    part["quoting-stop"].addEventListener("click", () => { this.quote(null); this.focus(); });
    part["attached-stop"].addEventListener("click", () => { this.attach(null); this.focus(); });
    part.record.addEventListener("click", () => this.startVoice());
    part["recording-done"].addEventListener("click", () => this.endVoice(true));
    part["recording-cancel"].addEventListener("click", () => this.endVoice(false));
    part.recording.addEventListener("keydown", (event) => { if (event.key === "Escape") this.endVoice(false); });
    part.down.addEventListener("click", () => this.toEnd());
    part.log.addEventListener("scroll", () => {
      this.atEnd = this.nearEnd();
      if (this.atEnd) part.down.hidden = true;
    });
    this.resized = new ResizeObserver(() => { if (this.atEnd) this.toEnd(); }); // the message box grows and shrinks
    this.resized.observe(part.log);
    part.messages.addEventListener("keydown", (event) => {
      if (event.target.classList.contains("options")) arrows(event, () => [...part.messages.querySelectorAll(".options")]);
    });
    part.messages.addEventListener("focusin", (event) => {
      if (!event.target.classList.contains("options")) return;
      for (const other of part.messages.querySelectorAll(".options[tabindex='0']")) other.tabIndex = -1;
      event.target.tabIndex = 0;
    });
    this.wireAttach();
    this.wireDrop();
    this.fit();
  }

  wireAttach() {
    const { part } = this;
    const menu = part["attach-menu"];
    const items = [...menu.querySelectorAll("button")];
    let kind = "image";
    const open = (on) => {
      menu.hidden = !on;
      part.attach.setAttribute("aria-expanded", String(on));
      if (on) items[0].focus();
    };
    part.attach.addEventListener("click", () => open(menu.hidden));
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { open(false); part.attach.focus(); event.stopPropagation(); }
      else if (event.key === "Tab") open(false);
      else arrows(event, () => items);
    });
    for (const item of items) {
      item.addEventListener("click", () => {
        open(false);
        part.attach.focus();
        if (item.dataset.attach === "location") {
          this.send({ type: "location", latitude: -34.6037, longitude: -58.3816, name: "Obelisco", address: "Av. 9 de Julio, Buenos Aires" });
          return;
        }
        kind = item.dataset.attach;
        part.file.accept = ACCEPTED[kind];
        part.file.click();
      });
    }
    part.file.addEventListener("change", () => {
      const file = part.file.files[0];
      if (file) this.attach(file, kind);
      part.file.value = "";
    });
    document.addEventListener("click", (event) => {
      if (!menu.hidden && !part.attach.parentElement.contains(event.target)) open(false);
    });
  }

  wireDrop() {
    const { part, root } = this;
    const over = (on) => { part.drop.hidden = !on; };
    root.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) over(false); });
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      const file = event.dataTransfer.files[0];
      if (file) this.attach(file, kindOf(file));
    });
  }
}

function wordsOf(view) {
  return view ? plain(view.text || "", 160) || (view.media ? view.media.filename || view.media.kind : "") || view.label || "message" : "message";
}

// Where the answer to this message is explained; on another machine than the shop's, loopback means the shop's.
function explainLink(id) {
  const link = new URL(world.explain.replace("{id}", encodeURIComponent(id)), location.href);
  if (link.hostname === "127.0.0.1") link.hostname = location.hostname;
  return link.href;
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
