// Replays a written conversation step by step, through whoever replays conversations (control.py: Control.replay).

import { at, call, make } from "./dom.js";
import { whenTool } from "./tools.js";
import { world } from "./world.js";

const MOST_FILE = 256 * 1024;
let openPhone = null; // opens the phone that plays
let files = [];
let order = null; // what was begun, to begin it again
let run = null; // {id, contact, steps, next, busy, over}
let playing = false;

export function replayOn(open) {
  openPhone = open;
}

// To be called once it is known whether somebody replays; who opened the tool before that sees the list now.
export function refreshReplay() {
  if (!at("panel-replay").hidden) loadList();
}

async function loadList() {
  at("replay-wrong").textContent = "";
  if (world.replay === null) return;
  if (!world.replay) {
    at("replay-wrong").textContent = "Nobody replays conversations here: start the shop with `make run`.";
    return;
  }
  try {
    ({ files } = await call("GET", "replay/conversations"));
  } catch (problem) {
    at("replay-wrong").textContent = problem.message;
    return;
  }
  showList();
}

function showList() {
  const wanted = at("replay-find").value.trim().toLocaleLowerCase();
  const chosen = at("replay-list").value;
  const groups = [];
  for (const file of files) {
    const fitting = file.conversations.filter((one) => !wanted || (file.file + " " + one.title).toLocaleLowerCase().includes(wanted));
    if (!fitting.length && !(file.error && !wanted)) continue;
    const group = make("optgroup");
    group.label = file.file;
    for (const one of fitting) {
      const option = make("option", "", one.title + (one.why_not ? " (not here)" : ""));
      option.value = file.file + "#" + one.index;
      group.append(option);
    }
    if (file.error) {
      const option = make("option", "", file.error);
      option.disabled = true;
      group.append(option);
    }
    groups.push(group);
  }
  at("replay-list").replaceChildren(...groups);
  at("replay-list").value = chosen;
  showChoice();
}

function chosen() {
  const [file, index] = at("replay-list").value.split("#");
  const found = files.find((one) => one.file === file);
  return found ? { file, one: found.conversations[Number(index)] } : null;
}

function showChoice() {
  const choice = chosen();
  at("replay-open").disabled = !choice || Boolean(choice.one.why_not);
  at("replay-why").textContent = choice ? choice.one.why_not || choice.one.steps + " steps" : "";
}

async function begin(wanted) {
  at("replay-wrong").textContent = "";
  try {
    const begun = await call("POST", "replay/runs", wanted);
    order = wanted;
    run = { ...begun, next: 0, busy: false, over: false, ok: true };
    playing = false;
    showRun();
    await openPhone(begun.contact, begun.name);
    at("replay-next").focus();
  } catch (problem) {
    at("replay-wrong").textContent = problem.message;
    at("replaying").hidden = true;
    at("replay-choose").hidden = false;
  }
}

function showRun() {
  at("replay-choose").hidden = true;
  at("replaying").hidden = false;
  at("replay-title").textContent = run.title;
  at("replay-who").textContent = run.name + " plays it, on +" + run.contact + ".";
  at("replay-steps").replaceChildren(...run.steps.map((step) => {
    const item = make("li", "step");
    const head = make("div", "step-head");
    head.append(make("span", "mark"), make("pre", "", step.yaml));
    item.append(head);
    return item;
  }));
  showState();
}

function showState(verdict) {
  at("replay-next").disabled = run.busy || run.over || playing;
  at("replay-play").disabled = run.over;
  at("replay-play").textContent = playing ? "Pause" : "Play";
  at("replay-play").setAttribute("aria-pressed", String(playing));
  [...at("replay-steps").children].forEach((item, number) => {
    const now = number === run.next && !run.over;
    item.classList.toggle("now", now);
    if (now) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  const total = run.steps.length;
  at("replay-verdict").className = "verdict" + (run.over ? (run.ok ? " good" : " bad") : "");
  at("replay-verdict").textContent = verdict || (run.over
    ? (run.ok ? "It holds: all " + total + " steps." : "It does not hold: step " + (run.next + 1) + " of " + total + ".")
    : run.busy ? "Step " + (run.next + 1) + " of " + total + " is being played…" : run.next + " of " + total + " steps played");
}

function told(item, outcome) {
  item.classList.add(outcome.ok ? "good" : "bad");
  item.querySelector(".mark").textContent = outcome.ok ? "✓" : "✗";
  item.querySelector(".mark").append(make("span", "hidden", outcome.ok ? "holds" : "does not hold"));
  if (outcome.happened.length) {
    const list = make("ul", "happened");
    list.append(...outcome.happened.map((line) => make("li", "", line)));
    item.append(list);
  }
  if (outcome.ok) return;
  const facts = make("dl", "difference");
  facts.append(make("dt", "", "expected"), make("dd", "", outcome.expected), make("dt", "", "got"), make("dd", "", outcome.got));
  if (outcome.line) facts.append(make("dt", "", "line"), make("dd", "", String(outcome.line)));
  item.append(facts);
}

async function next() {
  if (!run || run.busy || run.over) return;
  const mine = run;
  mine.busy = true;
  showState();
  try {
    const outcome = await call("POST", "replay/runs/" + mine.id + "/next", {});
    if (run !== mine) return;
    const item = at("replay-steps").children[outcome.step];
    told(item, outcome);
    mine.over = outcome.over;
    mine.ok = outcome.ok;
    mine.next = outcome.ok ? outcome.step + 1 : outcome.step;
    mine.busy = false;
    if (mine.over) playing = false;
    showState();
    (at("replay-steps").children[mine.next] || item).scrollIntoView({ block: "nearest" });
  } catch (problem) {
    if (run !== mine) return;
    mine.busy = false;
    playing = false;
    showState(problem.message);
  }
}

async function play() {
  playing = !playing;
  showState();
  const mine = run;
  while (playing && run === mine && !mine.over) {
    if (mine.busy) await new Promise((done) => setTimeout(done, 50));
    else await next();
    if (playing && !mine.over) await new Promise((done) => setTimeout(done, 350)); // so that eyes can follow
  }
}

function leave() {
  if (run) call("DELETE", "replay/runs/" + run.id).catch(() => {});
  run = null;
  playing = false;
}

at("replay-find").addEventListener("input", showList);
at("replay-list").addEventListener("change", showChoice);
const openChosen = () => {
  const choice = chosen();
  if (choice && !choice.one.why_not) begin({ file: choice.file, index: choice.one.index });
};
at("replay-list").addEventListener("keydown", (event) => { if (event.key === "Enter") openChosen(); });
at("replay-list").addEventListener("dblclick", openChosen);
at("replay-open").addEventListener("click", openChosen);
at("replay-upload").addEventListener("click", () => at("replay-file").click());
at("replay-file").addEventListener("change", async () => {
  const file = at("replay-file").files[0];
  at("replay-file").value = "";
  if (!file) return;
  if (file.size > MOST_FILE) at("replay-wrong").textContent = "A conversation has at most 256 KB.";
  else await begin({ yaml: await file.text(), index: 0 });
});
at("replay-next").addEventListener("click", next);
at("replay-play").addEventListener("click", play);
at("replay-again").addEventListener("click", () => { leave(); begin(order); });
at("replay-close").addEventListener("click", () => {
  leave();
  at("replaying").hidden = true;
  at("replay-choose").hidden = false;
  at("replay-find").focus();
});
whenTool("replay", () => { if (!run) loadList(); });
