import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mostrador.gateways.whatsapp.limits import CLOUD_API, ZENVIA
from mostrador.gateways.whatsapp.render import Unsendable, cut, render, split, width
from mostrador.shop.messages import Button, Document, Say, Template
from mostrador.simulator.rules import check_message

FAMILY = "👩‍👩‍👧"
PICTURE, PDF = "https://shop.example/p.png", Document("https://shop.example/f.pdf", "prefactura 7.pdf")


def buttons(*titles):
    return tuple(Button(title, f"/choose{number}") for number, title in enumerate(titles))


def reply_titles(body):
    return [b["reply"]["title"] for b in body["interactive"]["action"]["buttons"]]


def rows(body):
    return body["interactive"]["action"]["sections"][0]["rows"]


def test_a_text_is_one_text_message():
    assert render(Say(text="hola")) == [{"type": "text", "text": {"body": "hola", "preview_url": False}}]


def test_a_say_that_shows_nothing_is_no_message():
    assert render(Say(text=" \n")) == []


def test_a_long_text_is_split_between_paragraphs_else_sentences_else_words():
    paragraph = "palabra " * 200
    first, second = render(Say(text=f"{paragraph}\n\n{paragraph}\n\n{paragraph}"))
    assert first["text"]["body"] == f"{paragraph}\n\n{paragraph}".rstrip()
    sentences = "Una frase corta. " * 400
    assert all(b["text"]["body"].endswith(".") for b in render(Say(text=sentences)))
    assert all(set(b["text"]["body"].split()) == {"palabra"} for b in render(Say(text=paragraph * 4)))


def test_a_text_of_joined_emoji_is_never_cut_inside_one():
    parts = split(FAMILY * 2000, 4096)
    assert "".join(parts) == FAMILY * 2000
    assert all(len(p) % len(FAMILY) == 0 for p in parts)


def test_up_to_three_choices_are_buttons():
    (body,) = render(Say(text="¿Seguro?", buttons=buttons("Sí", "No"), footer="Mostrador"))
    assert body["interactive"] == {
        "type": "button",
        "body": {"text": "¿Seguro?"},
        "footer": {"text": "Mostrador"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "/choose0", "title": "Sí"}},
                {"type": "reply", "reply": {"id": "/choose1", "title": "No"}},
            ]
        },
    }


def test_titles_that_would_be_equal_after_the_cut_stay_distinct():
    (body,) = render(Say(text="x", buttons=buttons("Camiseta de algodón roja", "Camiseta de algodón azul", "Camiseta")))
    titles = reply_titles(body)
    assert titles == ["Camiseta de algodón…", "Camiseta de algod… 2", "Camiseta"]
    (same,) = render(Say(text="x", buttons=buttons("Ver", "ver", "")))
    assert len({t.casefold() for t in reply_titles(same)}) == 3


def test_an_emoji_at_the_cut_is_kept_whole_or_left_out():
    assert cut("a" * 15 + FAMILY + "b" * 9, 20) == "a" * 15 + "…"
    assert cut("a" * 8 + FAMILY + "b" * 9, 20) == "a" * 8 + FAMILY + "bbb…"
    assert cut("क्षेत्र" * 10, 20).removesuffix("…") in "क्षेत्र" * 10


def test_four_to_ten_choices_are_a_list_with_whole_titles_in_the_description():
    titles = ["Auriculares inalámbricos modelo A", "Auriculares inalámbricos modelo B", *"cdefghij"]
    (body,) = render(Say(text="Elija", buttons=buttons(*titles), list_label="Ver todos los productos disponibles"))
    assert len(rows(body)) == 10
    assert [r["description"] for r in rows(body)[:2]] == titles[:2]
    assert "description" not in rows(body)[2]
    assert len({r["title"] for r in rows(body)}) == 10
    assert body["interactive"]["action"]["button"] == "Ver todos los produ…"


def test_choices_with_a_description_are_a_list_even_when_few():
    (body,) = render(Say(text="Elija", buttons=(Button("Rojo", "/a", "quedan 2"), Button("Azul", "/b"))))
    assert rows(body) == [{"id": "/a", "title": "Rojo", "description": "quedan 2"}, {"id": "/b", "title": "Azul"}]


def test_more_than_ten_choices_are_a_numbered_text():
    (body,) = render(Say(text="Elija", buttons=buttons(*(f"Opción {n}" for n in range(11)))))
    assert body["text"]["body"].startswith("Elija\n\n1. Opción 0\n2. Opción 1")
    assert body["text"]["body"].endswith("11. Opción 10")


def test_choices_without_words_are_pointed_at():
    (body,) = render(Say(buttons=buttons("Sí", "No")))
    assert body["interactive"]["body"]["text"]
    (body,) = render(Say(buttons=buttons(*"abcd")))
    assert body["interactive"]["body"]["text"]


def test_a_picture_with_buttons_is_their_header():
    (body,) = render(Say(text="Agotado", image=PICTURE, buttons=buttons("Reponer")))
    assert body["interactive"]["header"] == {"type": "image", "image": {"link": PICTURE}}


def test_a_picture_alone_carries_its_text_as_caption_while_it_fits():
    assert render(Say(text="x", image=PICTURE)) == [{"type": "image", "image": {"link": PICTURE, "caption": "x"}}]
    assert render(Say(image=PICTURE)) == [{"type": "image", "image": {"link": PICTURE}}]
    picture, words = render(Say(text="x " * 600, image=PICTURE))
    assert (picture["type"], words["type"]) == ("image", "text")


def test_a_picture_with_a_list_goes_ahead_of_it():
    picture, body = render(Say(text="Elija", image=PICTURE, buttons=buttons(*"abcd")))
    assert (picture["type"], body["interactive"]["type"]) == ("image", "list")


def test_a_long_text_with_buttons_goes_ahead_and_its_end_stays_with_them():
    text = "\n\n".join(f"Párrafo {n}. " + "palabra " * 40 for n in range(5))
    words, body = render(Say(text=text, image=PICTURE, buttons=buttons("Sí")))
    assert words["type"] == "text"
    assert width(body["interactive"]["body"]["text"]) <= 1024
    assert body["interactive"]["header"]["type"] == "image"
    joined = words["text"]["body"] + body["interactive"]["body"]["text"]
    assert "".join(joined.split()) == "".join(text.split())


def test_a_document_is_sent_under_its_name():
    (body,) = render(Say(text="Su prefactura", document=PDF))
    assert body["document"] == {"link": PDF.url, "filename": "prefactura 7.pdf", "caption": "Su prefactura"}
    (body,) = render(Say(text="Su prefactura", document=PDF, buttons=buttons("Pagar")))
    assert body["interactive"]["header"]["document"]["filename"] == "prefactura 7.pdf"
    assert [b["type"] for b in render(Say(text="x", document=PDF, image=PICTURE))] == ["image", "document"]


def test_a_footer_that_does_not_fit_is_said_in_the_text():
    (body,) = render(Say(text="x", footer="Fuente: " + "f" * 80, buttons=buttons("Sí")))
    assert "footer" not in body["interactive"] and "ffff" in body["interactive"]["body"]["text"]
    assert render(Say(text="x", footer="Fuente: y"))[0]["text"]["body"] == "x\n\nFuente: y"


def test_a_template_carries_variables_picture_and_payloads():
    template = Template("restock", "es", ("Ana\nMaría", ""), PICTURE, ("p.show", "p.stop"))
    (body,) = render(Say(text="ignored", template=template))
    assert body["template"] == {
        "name": "restock",
        "language": {"code": "es"},
        "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"link": PICTURE}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ana María"}, {"type": "text", "text": "–"}]},
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "p.show"}],
            },
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "1",
                "parameters": [{"type": "payload", "payload": "p.stop"}],
            },
        ],
    }


@pytest.mark.parametrize("count, longest", [(2, 256), (5, 200)])
def test_an_id_that_is_too_long_or_missing_is_a_defect_and_never_cut(count, longest):
    def made(first):
        return Say(text="x", buttons=(Button("t", first), *buttons(*"abcd"[: count - 1])))

    assert render(made("/" * longest))
    for wrong in ("/" * (longest + 1), ""):
        with pytest.raises(Unsendable):
            render(made(wrong))


def test_a_choice_offered_twice_is_shown_once():
    (body,) = render(Say(text="x", buttons=(Button("Sí", "/a"), Button("Sí, claro", "/a"), Button("No", "/b"))))
    assert reply_titles(body) == ["Sí", "No"]


PIECES = st.sampled_from(["a", " ", "\n", "\n\n", ". ", "é", "👍", FAMILY, "🇦🇷", "न", "म", "\u094d", "e\u0301", "3"])
WORDS = st.lists(PIECES | st.characters(blacklist_categories=("Cs", "Cc")), max_size=30).map("".join)
LONG = st.tuples(WORDS, st.sampled_from([1, 1, 20, 150]), WORDS).map(lambda t: t[0] * t[1] + t[2])
BUTTON = st.builds(Button, title=WORDS, payload=st.text('abc/{}:"', min_size=1, max_size=6), description=WORDS)
PLAIN_BUTTON = st.builds(Button, title=WORDS, payload=st.text("abc/", min_size=1, max_size=6))
SAY = st.builds(
    Say,
    text=LONG,
    buttons=st.lists(BUTTON, max_size=12).map(tuple) | st.lists(PLAIN_BUTTON, max_size=12).map(tuple),
    list_label=WORDS,
    image=st.sampled_from(["", PICTURE]),
    document=st.sampled_from([None, PDF]),
    footer=WORDS,
)


def visible(text):
    return regex.sub(r"\s+", "", text)


def shown(body):
    """Every word of a message, in the order in which a phone shows it, titles of choices left out."""
    if body["type"] == "interactive":
        part = body["interactive"]
        return part["body"]["text"] + part.get("footer", {}).get("text", "")
    part = body[body["type"]]
    return part.get("body", part.get("caption", ""))


@pytest.mark.parametrize("limits", [CLOUD_API, ZENVIA])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(say=SAY)
def test_every_rendering_keeps_to_the_limits_and_loses_no_word_and_no_choice(limits, say):
    bodies = render(say, limits)
    for body in bodies:
        check_message({"messaging_product": "whatsapp", "to": "+1", **body})
        check_lengths(body, limits)
    choices = {b.payload: b for b in reversed(say.buttons)}
    everything = visible("".join(map(shown, bodies)))
    if not say.text.strip() and 1 <= len(choices) <= 10:
        everything = everything.replace("👇", "", 1)
    assert everything.startswith(visible(say.text))
    assert visible(say.footer) in everything
    offered = [c["id"] for body in bodies for c in choices_of(body)]
    if len(choices) <= 10:
        assert sorted(offered) == sorted(choices)
        titles = [c["title"].casefold() for body in bodies for c in choices_of(body)]
        assert len(set(titles)) == len(titles) and all(titles)
    else:
        assert not offered
        assert all(visible(b.title) in everything for b in choices.values())
    for media, wanted in (("image", say.image), ("document", say.document)):
        assert sum(carries(body, media) for body in bodies) == bool(wanted)


def choices_of(body):
    action = body.get("interactive", {}).get("action", {})
    return [b["reply"] for b in action.get("buttons", ())] + [r for s in action.get("sections", ()) for r in s["rows"]]


def carries(body, media):
    return body["type"] == media or body.get("interactive", {}).get("header", {}).get("type") == media


def check_lengths(body, limits):
    kind = body["type"]
    if kind == "text":
        assert 0 < width(body["text"]["body"]) <= limits.text
    elif kind in ("image", "document"):
        assert width(body[kind].get("caption", "")) <= limits.caption
    else:
        part = body["interactive"]
        is_list = part["type"] == "list"
        assert 0 < width(part["body"]["text"]) <= (limits.list_body if is_list else limits.button_body)
        assert width(part.get("footer", {}).get("text", "")) <= limits.footer
        assert len(choices_of(body)) <= (limits.rows if is_list else limits.buttons)
        for choice in choices_of(body):
            assert 0 < width(choice["title"]) <= (limits.row_title if is_list else limits.button_title)
            assert width(choice.get("description", "")) <= limits.row_description
        if is_list:
            assert 0 < width(part["action"]["button"]) <= limits.list_label


@settings(max_examples=100, deadline=None)
@given(LONG, st.integers(20, 400))
def test_a_split_loses_only_white_space_and_cuts_no_cluster_that_fits(text, most):
    parts = split(text, most)
    assert visible("".join(parts)) == visible(text)
    assert all(0 < width(part) <= most for part in parts)
    clusters = {c.strip() for c in regex.findall(r"\X", text)}  # a mark may stand on a space
    if all(width(c) <= most for c in clusters):
        assert all(c.strip() in clusters for part in parts for c in regex.findall(r"\X", part))
