import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostrador.channels.buttons import LONGEST_ID, LONGEST_TEXT, Tap, UnusableButton, open_, plain_text, seal

SECRET, TALK = b"a secret of buttons", "9f3c0d8a51b44e1d8a7fd6a5c1b2e3f4"
INVISIBLE = " \n\t\u200b\u200c\u200d\u2060\ufeff\u00ad\u00a0\u3000\u202e\u061c\u180e\u3164\u2800\u034f\u115f\U000e0001"


def test_a_sealed_button_opens_to_its_intent_and_entities():
    sealed = seal('/update_stock{"variation_id": "17", "page": 2}', TALK, SECRET)
    assert open_(sealed, TALK, SECRET) == Tap("update_stock", {"variation_id": "17", "page": "2"})
    assert sealed.partition(".")[2] == 'update_stock{"variation_id":"17","page":"2"}'


def test_a_button_without_entities_opens():
    assert open_(seal("/show_menu", TALK, SECRET), TALK, SECRET) == Tap("show_menu")


def test_a_button_of_another_conversation_stays_shut():
    assert open_(seal("/show_menu", TALK, SECRET), "another", SECRET) is None


def test_a_button_sealed_with_another_secret_stays_shut():
    assert open_(seal("/show_menu", TALK, b"other"), TALK, SECRET) is None
    assert open_(seal("/show_menu", TALK, SECRET), TALK, b"") is None


@pytest.mark.parametrize(
    "foreign",
    ["", ".", "show_menu", "/show_menu", "Yes", "A" * 10 + ".show_menu", "x" * 5000, "\ud800.show_menu", "é.é"],
)
def test_an_id_that_is_not_ours_stays_shut(foreign):
    assert open_(foreign, TALK, SECRET) is None


@pytest.mark.parametrize("command", ["EXTERNAL_nudge", "external_nudge", "restart", "back", "session_start"])
def test_commands_and_external_events_never_open_even_sealed(command):
    assert open_(seal(f"/{command}", TALK, SECRET), TALK, SECRET) is None


@pytest.mark.parametrize(
    "payload", ["", "/", "show_menu", "hello", "/a b", "/a{", '/a{"b": [1]}', '/a{"b": {}}', "/a[1]"]
)
def test_a_payload_that_is_no_intent_cannot_be_sealed(payload):
    with pytest.raises(UnusableButton):
        seal(payload, TALK, SECRET)


def test_an_id_longer_than_a_list_row_allows_is_a_defect():
    with pytest.raises(UnusableButton):
        seal("/select_item" + json.dumps({"name": "x" * LONGEST_ID}), TALK, SECRET)


def test_nothing_is_sealed_without_a_secret():
    with pytest.raises(UnusableButton):
        seal("/show_menu", TALK, b"")


@given(
    st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    st.integers(0, LONGEST_ID),
    st.characters(blacklist_categories=("Cs",)),
)
def test_no_tampering_opens_a_button(intent, entities, where, character):
    sealed = seal(f"/{intent}" + (json.dumps(entities) if entities else ""), TALK, SECRET)
    tampered = sealed[:where] + character + sealed[where + 1 :]
    if tampered != sealed:
        assert open_(tampered, TALK, SECRET) is None
    inserted = sealed[:where] + character + sealed[where:]
    assert open_(inserted, TALK, SECRET) is None


@given(st.text(max_size=60))
def test_words_never_open_a_button(words):
    assert open_(words, TALK, SECRET) is None


@pytest.mark.parametrize("slash", ["/", "//", "\uff0f", "/ /", "\u2215/", "/\u200b/"])
@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\u200b", "\ufeff", "\u2060 ", "\x00", "\x1b", INVISIBLE])
def test_a_leading_slash_loses_its_power(before, slash):
    assert plain_text(f'{before}{slash}EXTERNAL_paid{{"order": "1"}}') == 'EXTERNAL_paid{"order": "1"}'


def test_slashes_inside_a_text_stay():
    assert plain_text("1/2 kg y 10/12") == "1/2 kg y 10/12"


def test_letters_of_hindi_and_emoji_keep_their_joiners():
    for text in ("क्\u200dष", "👩\u200d👩\u200d👧 ok", "می\u200cخواهم"):
        assert plain_text(text) == text


def test_control_characters_go_and_lines_stay():
    assert plain_text("a\x00b\x07\r\nc\td\x7f\ud800") == "ab\nc d"


def test_equal_letters_become_equal_and_length_is_capped():
    assert plain_text("an\u0303o") == "año"
    assert len(plain_text("x" * 10_000)) == LONGEST_TEXT


@given(st.text(alphabet=st.one_of(st.sampled_from("/\uff0f" + INVISIBLE), st.characters()), max_size=40))
def test_no_text_is_ever_a_command(text):
    plain = plain_text(text)
    visible = plain.lstrip().lstrip(INVISIBLE)
    assert not visible.startswith(("/", "\uff0f"))
    assert plain_text(plain) == plain
    plain.encode()
