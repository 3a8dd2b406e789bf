"""How much fits into one message; it is the provider that decides, not WhatsApp."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Lengths are counted in UTF-16 code units, the strictest of the ways in which providers count."""

    text: int = 4096
    caption: int = 1024
    button_body: int = 1024
    list_body: int = 4096
    footer: int = 60
    buttons: int = 3
    button_id: int = 256
    button_title: int = 20
    rows: int = 10
    row_id: int = 200
    row_title: int = 24
    row_description: int = 72
    list_label: int = 20
    filename: int = 240
    template_variable: int = 1024
    template_payload: int = 200


CLOUD_API = Limits()  # Meta, Graph API v26, reference "messages"
ZENVIA = Limits(list_body=1024)  # zenvia-openapi-spec, WhatsApp content of type list
