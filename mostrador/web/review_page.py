"""GET and POST /review: what was not understood for certain, labelled or dismissed by one key, for operators."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import List, Mapping, Sequence
from urllib.parse import quote

from sanic.response import HTTPResponse, html, json, text

from mostrador.bootstrap import Services
from mostrador.gateways.meaning import alike
from mostrador.gateways.training_files import CannotWrite, YamlTrainingFiles
from mostrador.settings import ROOT
from mostrador.shop.review import (
    Cluster,
    Conflict,
    UnfitSentence,
    UnknownLabel,
    clusters,
    dismiss_turns,
    label_turns,
)
from mostrador.storage.engine import is_unavailable
from mostrador.storage.reviews import SqlReviews
from mostrador.web.operators import HEADERS, STYLE, OperatorDoor, page_headers

DAYS = 30
SHOWN = 30  # clusters on one page
MOST_TURNS = 500
_LONGEST_NAME = 60
_STYLE = (
    STYLE
    + """
section { border-top: 1px solid #8884; padding: .75rem 0; }
section.now { border-left: .3rem solid #28f; padding-left: .75rem; }
section:not(.now) .all { display: none; }
ul { margin: .25rem 0; padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
small { opacity: .75; } .said { color: #06c; } @media (prefers-color-scheme: dark) { .said { color: #8cf; } }
button { font: inherit; margin: .15rem .25rem .15rem 0; padding: .15rem .5rem; }
button.main { font-weight: 600; } kbd { opacity: .7; font-size: .8em; margin-right: .3em; }
select { font: inherit; }
"""
)
_SCRIPT = """
"use strict";
const status = document.querySelector("[role=status]");
function move(from) {
  const all = Array.from(document.querySelectorAll("section"));
  const next = all[(all.indexOf(from) + 1) % all.length];
  from.classList.remove("now");
  next.classList.add("now");
  next.scrollIntoView({block: "center"});
}
document.addEventListener("keydown", (event) => {
  const now = document.querySelector("section.now");
  if (!now || event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "SELECT") return;
  if (event.key === " ") {
    event.preventDefault();
    move(now);
    return;
  }
  const button = Array.from(now.querySelectorAll("button")).find((one) => one.dataset.key === event.key);
  if (button) {
    event.preventDefault();
    button.click();
  }
});
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const section = event.target.closest("section");
  if (section.dataset.sent) return;
  section.dataset.sent = "1";
  const body = new URLSearchParams(new FormData(event.target));
  body.set("verdict", event.submitter.value);
  let told;
  try {
    const answer = await fetch("/review", {method: "POST", body, headers: {Accept: "application/json"}});
    told = answer.headers.get("content-type").startsWith("application/json")
      ? await answer.json() : {done: false, said: await answer.text()};
  } catch (error) {
    told = {done: false, said: "The server does not answer; try again."};
  }
  status.textContent = told.said;
  delete section.dataset.sent;
  if (!told.done) return;
  if (section.classList.contains("now")) move(section);
  section.remove();
  if (!document.querySelector("section")) location.reload();
});
"""
_HEADERS = page_headers(_STYLE, _SCRIPT)
_REFUSED = (Conflict, UnfitSentence, UnknownLabel, CannotWrite)


@dataclass(frozen=True)
class _Posted:
    turns: List[str]
    verdict: str
    language: str


class ReviewPage:
    """The list of what waits, and the door for what is decided."""

    def __init__(self, services: Services, door: OperatorDoor) -> None:
        self._services = services
        self._door = door
        self._files = YamlTrainingFiles(ROOT / "data" / "nlu")

    def answer(self, said: str = "") -> HTTPResponse:
        """The page; ``said`` is what became of the decision just made."""
        try:
            with self._services.engine.connect() as connection:
                turns = SqlReviews(connection).unsure(self._services.clock.now() - timedelta(days=DAYS))
            intents, languages = self._files.intents(), self._files.languages()
        except CannotWrite as why:
            return text(str(why), 500, _HEADERS)
        except Exception as error:
            if not is_unavailable(error):
                raise
            return text("The database does not answer; try again.", 503, HEADERS)
        found = clusters(turns, alike)
        return html(_page(found, intents, languages, self._door.form_token, said), 200, _HEADERS)

    def decide(self, form: Mapping[str, List[str]], reviewer: str, as_json: bool) -> HTTPResponse:
        """Do what a form says. A turn that somebody else decided stays as it is.

        Answers ``{"done": bool, "said": words}``, or the page again to a browser without scripts.
        """
        posted = _Posted(
            list(form.get("turn") or [])[:MOST_TURNS],
            (form.get("verdict") or [""])[0],
            (form.get("language") or [""])[0][:8],
        )
        name = "".join(c for c in reviewer if c.isprintable())[:_LONGEST_NAME] or "operator"
        try:
            done, said = True, self._decided(posted, name)
        except _REFUSED as why:
            done, said = False, _reason(why)
        except Exception as error:
            if not is_unavailable(error):
                raise
            return text("The database does not answer; try again.", 503, HEADERS)
        return json({"done": done, "said": said}, 200, _HEADERS) if as_json else self.answer(said)

    def _decided(self, posted: _Posted, reviewer: str) -> str:
        now = self._services.clock.now()
        with self._services.engine.connect() as connection:
            reviews = SqlReviews(connection)
            if posted.verdict == "-":
                outcome = dismiss_turns(reviews, posted.turns, posted.language, reviewer, now)
                words = [f"{len(set(posted.turns)) - outcome.taken} dismissed"]
            else:
                outcome = label_turns(
                    reviews, self._files, posted.turns, posted.verdict, posted.language, reviewer, now
                )
                files = sorted({added.file for added in outcome.added if added.new})
                new = sum(added.new for added in outcome.added)
                words = [f"{posted.verdict}: {new} written" + (f" to {', '.join(files)}" if files else "")]
                words += [f"{len(outcome.added) - new} known already"] if len(outcome.added) > new else []
            connection.commit()
        words += [f"{outcome.taken} decided by somebody else"] if outcome.taken else []
        return ", ".join(words)


def _reason(why: Exception) -> str:
    if isinstance(why, UnknownLabel):
        return f"There are no examples of {why}."
    return str(why)


def _page(found: Sequence[Cluster], intents: Sequence[str], languages: Sequence[str], token: str, said: str) -> str:
    keys = dict(zip(intents, string.ascii_lowercase + string.ascii_uppercase))
    body = "".join(_section(cluster, n == 0, keys, languages, token) for n, cluster in enumerate(found[:SHOWN]))
    count = sum(len(cluster.turns) for cluster in found)
    waits = f"{count} sentences in {len(found)} groups" if found else "Nothing waits to be reviewed"
    status = f'<p class="said" role="status">{escape(said)}</p>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Review</title><style>{_STYLE}</style></head><body><h1>{escape(waits)}</h1>{status}"
        "<p><small>Enter accepts the first, a digit one of the likeliest, a letter any other, - dismisses, space goes "
        f"on to the next.</small></p>{body}<script>{_SCRIPT}</script></body></html>"
    )


def _section(cluster: Cluster, now: bool, keys: Mapping[str, str], languages: Sequence[str], token: str) -> str:
    followed = ", ".join(sorted({turn.followed for turn in cluster.turns} - {"nothing"})) or "unsure"
    sentences = "".join(
        f'<li dir="auto">{escape(turn.sentence) or "<em>nothing that could be an example</em>"} '
        f'<small><a href="/explain/{quote(turn.turn_id, safe="")}">why</a></small></li>'
        for turn in cluster.turns
    )
    hidden = "".join(f'<input type="hidden" name="turn" value="{escape(turn.turn_id)}">' for turn in cluster.turns)
    options = "".join(
        f"<option{' selected' if name == cluster.language else ''}>{escape(name)}</option>" for name in languages
    )
    likely = [
        _button(name, str(n), f"{name} {probability:.0%}")
        for n, (name, probability) in enumerate(cluster.readings, 1)
        if name in keys
    ]
    suggested = [_button(cluster.suggestion, "Enter", cluster.suggestion, "main")] if cluster.suggestion in keys else []
    others = "".join(_button(name, key, name) for name, key in keys.items())
    return (
        f'<section class="{"now" if now else ""}"><form method="post" action="/review">'
        f'<input type="hidden" name="token" value="{escape(token)}">{hidden}'
        f"<small>{escape(followed)} · {len(cluster.turns)} · "
        f'<select name="language" aria-label="Language">{options}</select></small><ul>{sentences}</ul>'
        f"<div>{''.join(suggested + likely)}{_button('-', '-', 'dismiss')}</div>"
        f'<div class="all">{others}</div></form></section>'
    )


def _button(verdict: str, key: str, words: str, kind: str = "") -> str:
    return (
        f'<button class="{kind}" name="verdict" value="{escape(verdict)}" data-key="{escape(key)}">'
        f"<kbd>{escape(key)}</kbd>{escape(words)}</button>"
    )
