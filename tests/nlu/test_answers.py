"""Reasons, times and names as people write them."""

from __future__ import annotations

from typing import Optional

import pytest

from mostrador.nlu.person_names import read_name
from mostrador.nlu.reasons import LATER, named_reason, read_reason
from mostrador.nlu.times import read_hours, read_pause
from mostrador.shop.preferences import ANY_TIME, Hours
from mostrador.shop.rejections import LONGEST_WORDS, REASONS, Pause


@pytest.mark.parametrize(
    "text",
    [
        "don't show me this for a month",
        "hide it for a week",
        "mute the whole catalogue",
        "don't mention it until I say",
        "put this item on hold",
        "not this month",
        "no me muestres esto por un mes",
        "silencia todo el catálogo",
        "déjalo fuera dos semanas",
        "oculta este catálogo un tiempo",
        "इसे कुछ दिन छुपा दो",
        "एक महीने बाद फिर पूछना",
        "इसे अभी अलग रखो",
        "is product ko abhi rok do",
        "ek mahine tak ye mat dikhana",
    ],
)
def test_who_names_a_time_or_wants_to_be_reminded_only_waits(text: str) -> None:
    assert named_reason(text) == LATER


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no longer make it", "not_made"),
        ("I don’t make it anymore", "not_made"),
        ("ya no lo hago", "not_made"),
        ("está descontinuado", "not_made"),
        ("यह अब नहीं बनाता", "not_made"),
        ("ye ab nahi banate", "not_made"),
        ("can't get the cloth any more", "no_material"),
        ("no consigo la tela", "no_material"),
        ("कपड़ा नहीं मिल रहा", "no_material"),
        ("kapda nahi mil raha", "no_material"),
        ("the price is too low", "not_worth_it"),
        ("no me conviene", "not_worth_it"),
        ("दाम कम मिलता है", "not_worth_it"),
        ("season is over", "season_over"),
        ("se acabó la temporada", "season_over"),
        ("सीज़न खत्म", "season_over"),
        ("wrong suggestion", "wrong_suggestion"),
        ("no es mío", "wrong_suggestion"),
        ("galat hai ye", "wrong_suggestion"),
        ("not now", LATER),
        ("más adelante", LATER),
        ("बाद में", LATER),
        ("my cousin took over the workshop", "other"),
    ],
)
def test_a_reason_is_known_by_its_words_and_keeps_them(text: str, code: str) -> None:
    reason = read_reason(text)
    assert reason is not None and (reason.code, reason.words) == (code, text)


def test_a_reason_may_be_its_number_in_the_list() -> None:
    assert [read_reason(str(n)).code for n in range(1, 8)] == [*REASONS, LATER]  # type: ignore[union-attr]
    assert read_reason("१").code == REASONS[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "0", "8", "99", "👍", "🙃🙃🙃", "...", "ok", "4" * 4096, "?!"])
def test_what_says_nothing_is_no_reason(text: str) -> None:
    assert read_reason(text) is None


def test_a_very_long_reason_is_cut_and_kept_in_one_line() -> None:
    reason = read_reason("so many\nwords " * 300)
    assert reason is not None and len(reason.words) <= LONGEST_WORDS and "\n" not in reason.words


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("1 week", Pause(7)),
        ("una semana", Pause(7)),
        ("1 हफ़्ता", Pause(7)),
        ("ek hafta", Pause(7)),
        ("2 weeks", Pause(14)),
        ("10 दिन", Pause(10)),
        ("until I say", Pause(None)),
        ("until I say so", Pause(None)),
        ("hasta que avise", Pause(None)),
        ("जब तक मैं न कहूँ", Pause(None)),
        ("all the catalogue for a month", Pause(30, True)),
        ("todo el catálogo 1 mes", Pause(30, True)),
        ("poora catalog 10 din", Pause(10, True)),
        ("1", Pause(7)),
        ("3", Pause(None)),
        ("5", Pause(30, True)),
        ("७", None),
        ("0", None),
        ("400 days", None),
        ("hello", None),
        ("👍", None),
    ],
)
def test_a_time_is_read_in_words_or_as_its_number_in_the_list(text: str, pause: Optional[Pause]) -> None:
    assert read_pause(text, (7, 30)) == pause


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("9-18", Hours(540, 1080)),
        ("9 to 6", Hours(540, 1080)),
        ("9:30am - 5 p.m.", Hours(570, 1020)),
        ("de 8 a 20 hs", Hours(480, 1200)),
        ("8 de la mañana a 9 de la noche", Hours(480, 1260)),
        ("सुबह 9 से शाम 6", Hours(540, 1080)),
        ("subah 8 se raat 9", Hours(480, 1260)),
        ("९ से ६", Hours(540, 1080)),
        ("22 a 6", Hours(1320, 360)),
        ("10 pm to 6 am", Hours(1320, 360)),
        ("0-24", ANY_TIME),
        ("any time", ANY_TIME),
        ("कभी भी", ANY_TIME),
        ("9", None),
        ("25-30", None),
        ("9:75-18", None),
        ("never", None),
        ("9, 12 and 18", None),
        ("👍", None),
    ],
)
def test_hours_are_two_times_of_a_day(text: str, hours: Optional[Hours]) -> None:
    assert read_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is Meera Joshi", "Meera Joshi"),
        ("Call me Meera please", "Meera"),
        ("me llamo Ana María", "Ana María"),
        ("llámame Ana", "Ana"),
        ("मेरा नाम मीरा जोशी है", "मीरा जोशी"),
        ("mera naam Kavita hai", "Kavita"),
        ("Sonia", "Sonia"),
    ],
)
def test_a_name_is_taken_out_of_its_sentence(text: str, name: str) -> None:
    assert read_name(text) == name
