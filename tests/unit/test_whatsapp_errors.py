import json

import pytest

from mostrador.gateways.whatsapp.errors import Action, classify, of_code


def answer(code):
    return json.dumps({"error": {"message": "(#1) words", "type": "OAuthException", "code": code, "fbtrace_id": "x"}})


@pytest.mark.parametrize(
    "status, code, action",
    [
        (400, 130429, Action.SLOW_NUMBER),
        (400, 4, Action.SLOW_NUMBER),
        (400, 131056, Action.SLOW_PAIR),
        (500, 131000, Action.RETRY),
        (500, 3, Action.ACCOUNT),
        (401, 190, Action.ACCOUNT),
        (403, 250, Action.ACCOUNT),
        (400, 131049, Action.LATER),
        (400, 131047, Action.WINDOW_CLOSED),
        (400, 131026, Action.STOP_CONTACT),
        (404, 132001, Action.DEFECT),
        (400, 132015, Action.TEMPLATE_STOPPED),
        (400, 100, Action.DEFECT),
        (400, 999_999, Action.DEFECT),
        (500, 999_999, Action.RETRY),
        (429, 4, Action.SLOW_NUMBER),
    ],
)
def test_the_code_decides_and_not_the_http_status(status, code, action):
    verdict = classify(status, answer(code))
    assert (verdict.action, verdict.code, verdict.title) == (action, code, "(#1) words")


@pytest.mark.parametrize(
    "status, body, action",
    [
        (502, b"<html>Bad Gateway</html>", Action.UNKNOWN_OUTCOME),
        (504, b"", Action.UNKNOWN_OUTCOME),
        (500, None, Action.UNKNOWN_OUTCOME),
        (503, b"<html>", Action.RETRY),
        (429, b"slow down", Action.SLOW_NUMBER),
        (403, b"\xff\xfe", Action.ACCOUNT),
        (400, b'{"error": "text"}', Action.DEFECT),
        (400, b'{"error": {"code": "131056"}}', Action.DEFECT),
        (200, b'{"messages"', Action.UNKNOWN_OUTCOME),
        (500, b"[" * 100_000, Action.UNKNOWN_OUTCOME),
    ],
)
def test_an_answer_without_code_is_judged_by_its_status(status, body, action):
    verdict = classify(status, body)
    assert (verdict.action, verdict.code) == (action, None)


def test_a_code_from_a_status_webhook_is_judged_alike():
    assert of_code(131050, "opted out").action is Action.STOP_CONTACT
    assert of_code(424242).action is Action.DEFECT
