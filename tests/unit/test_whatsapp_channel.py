import pytest
from rasa.core.actions.action import create_bot_utterance
from rasa.core.channels.channel import CollectingOutputChannel

from mostrador.channels.output import TurnOutput
from mostrador.channels.whatsapp import WhatsAppInput
from mostrador.shop.messages import Button, Document, Say, Template

pytestmark = pytest.mark.asyncio


async def said(*messages, most=4):
    """What the channel keeps of utterances, made by Rasa from ``messages`` as its actions do."""
    output = TurnOutput(most)
    for message in messages:
        await output.send_response("a conversation", create_bot_utterance(dict(message)).message())
    return output.says


def button(title, payload, **more):
    return {"title": title, "payload": payload, **more}


async def test_one_utterance_is_one_message_with_everything_in_it():
    (say,) = await said(
        {
            "text": "Agotado",
            "image": "https://shop.example/p.png",
            "buttons": [button("Reponer", "/update_stock"), button("Más", "/more", description="las siguientes")],
            "custom": {"footer": "Mostrador", "list_label": "Ver"},
            "utter_action": "utter_card",
        }
    )
    assert say == Say(
        text="Agotado",
        buttons=(Button("Reponer", "/update_stock"), Button("Más", "/more", "las siguientes")),
        list_label="Ver",
        image="https://shop.example/p.png",
        footer="Mostrador",
        response="utter_card",
    )


async def test_buttons_without_text_are_kept():
    (say,) = await said({"buttons": [button("Sí", "/affirm")]})
    assert (say.text, say.buttons) == ("", (Button("Sí", "/affirm"),))


async def test_quick_replies_are_buttons_and_a_page_is_a_line():
    (say,) = await said(
        {
            "text": "x",
            "quick_replies": [button("Sí", "/affirm")],
            "buttons": [{"title": "Web", "type": "web_url", "url": "https://shop.example"}],
        }
    )
    assert say.buttons == (Button("Sí", "/affirm"),)
    assert say.text == "x\nWeb: https://shop.example"


@pytest.mark.parametrize(
    "message",
    [
        {"custom": {"document": {"url": "https://s.example/a%20b.pdf", "filename": "Prefactura.pdf"}}},
        {"attachment": {"type": "file", "payload": {"src": "https://s.example/a%20b.pdf", "title": "Prefactura.pdf"}}},
    ],
)
async def test_a_document_comes_from_custom_or_attachment(message):
    (say,) = await said(message)
    assert say.document == Document("https://s.example/a%20b.pdf", "Prefactura.pdf")


async def test_an_attachment_that_is_an_address_is_named_after_its_file():
    (say,) = await said({"text": "x", "attachment": "https://s.example/f/a%20b.pdf?x=1"})
    assert say.document == Document("https://s.example/f/a%20b.pdf?x=1", "a b.pdf")


async def test_a_picture_alone_is_not_taken_for_an_attachment():
    (say,) = await said({"image": "https://s.example/p.png"})
    assert (say.image, say.document) == ("https://s.example/p.png", None)


async def test_a_template_is_read_from_custom():
    wire = {"name": "restock", "language": "es", "variables": ["Ana", 3], "button_payloads": ["/show"]}
    (say,) = await said({"text": "Hola Ana", "custom": {"template": wire}})
    assert say.template == Template("restock", "es", ("Ana", "3"), "", ("/show",))
    assert say.text == "Hola Ana"


async def test_elements_become_lines_with_their_buttons():
    element = {"title": "Camisa", "subtitle": "quedan 2", "buttons": [button("Reponer", "/update_stock")]}
    (say,) = await said({"elements": [element, {"title": "Gorra"}]})
    assert (say.text, say.buttons) == ("Camisa – quedan 2\nGorra", (Button("Reponer", "/update_stock"),))


async def test_an_utterance_that_shows_nothing_is_left_out():
    assert await said({"text": ""}, {"text": "  "}, {"custom": {"unknown": 1}}, {}) == []


async def test_what_exceeds_the_turn_is_joined_to_the_last_message():
    says = await said(
        *({"text": f"t{n}", "utter_action": f"utter_{n}"} for n in range(5)),
        {"text": "t5", "buttons": [button("Sí", "/affirm")], "image": "https://s.example/p.png"},
    )
    assert [say.text for say in says] == ["t0", "t1", "t2", "t3\n\nt4\n\nt5"]
    assert says[-1].buttons == (Button("Sí", "/affirm"),)
    assert says[-1].image == "https://s.example/p.png"
    assert says[-1].response == "utter_3 utter_4"


async def test_what_cannot_be_joined_is_said_all_the_same():
    picture = {"text": "x", "image": "https://s.example/p.png"}
    assert len(await said(picture, picture, most=1)) == 2


async def test_the_channel_collects_so_that_a_trigger_finds_its_messages_in_the_answer():
    output = WhatsAppInput.from_credentials(None).get_output_channel()
    assert isinstance(output, CollectingOutputChannel)
    assert (output.name(), WhatsAppInput.name()) == ("whatsapp", "whatsapp")
    assert output.messages == []
    await output.send_response("a conversation", {"text": "hola", "utter_action": "utter_greet"})
    assert output.messages == [{"text": "hola", "response": "utter_greet"}]
    assert Say.from_json(output.messages[0]) == output.says[0]
