"""GET /explain/<id>: why the bot answered as it did, for operators."""

from __future__ import annotations

from html import escape
from typing import List

from sanic.response import HTTPResponse, html, text

from mostrador.bootstrap import Services
from mostrador.shop.explanation import Explanation, Section, headline, sections
from mostrador.storage.engine import is_unavailable
from mostrador.storage.explained import Explanations
from mostrador.web.operators import HEADERS, STYLE

LONGEST_ID = 512


class ExplainPage:
    """The page about one turn or message."""

    def __init__(self, services: Services) -> None:
        self._known = Explanations(services.engine)

    def answer(self, any_id: str) -> HTTPResponse:
        """The page about a turn or message; 404 for an id that nobody knows."""
        try:
            found = self._known.of(any_id) if 0 < len(any_id) <= LONGEST_ID and any_id.isprintable() else None
        except Exception as error:
            if not is_unavailable(error):
                raise
            return text("The database does not answer; try again.", 503, HEADERS)
        if found is None:
            return html(_page("No turn or message has this id", []), 404, HEADERS)
        return html(page(found), 200, HEADERS)


def page(it: Explanation) -> str:
    """The explanation as an HTML document; everything in it is escaped."""
    words = headline(it)
    return _page(words[:1].upper() + words[1:], sections(it, everything=True))


def _page(title: str, parts: List[Section]) -> str:
    body = "".join(
        f"<h2>{escape(part.title)}</h2><table>"
        + "".join(
            f'<tr><th scope="row">{escape(label)}</th><td dir="auto">{escape(words)}</td></tr>'
            for label, words in part.lines
        )
        + "</table>"
        for part in parts
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Why did it say that</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
