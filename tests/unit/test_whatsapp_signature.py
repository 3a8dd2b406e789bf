import hashlib
import hmac

import pytest

from mostrador.channels.signature import is_genuine

NEW, OLD = b"new secret", b"old secret"
BODY = b'{"entry": "\\u00e9 \xc3\xa9"}'


def header(secret: bytes, raw: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()


def test_a_body_signed_with_any_live_secret_is_genuine():
    assert is_genuine(BODY, header(NEW), [NEW, OLD])
    assert is_genuine(BODY, header(OLD), [NEW, OLD])


def test_a_body_signed_with_a_retired_secret_is_refused():
    assert not is_genuine(BODY, header(OLD), [NEW])


def test_one_changed_byte_is_refused():
    assert not is_genuine(BODY + b" ", header(NEW), [NEW])


@pytest.mark.parametrize("secrets", [[], [b""], [b"", b""]])
def test_without_a_secret_nothing_is_genuine(secrets):
    assert not is_genuine(BODY, header(b""), secrets)
    assert not is_genuine(BODY, header(NEW), secrets)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: None,
        lambda good: "",
        lambda good: good[7:],
        lambda good: good.upper(),
        lambda good: "sha256=" + good[7:].upper(),
        lambda good: good + good,
        lambda good: f"{good}, {good}",
        lambda good: good[:-1],
        lambda good: good + "\n",
        lambda good: " " + good,
        lambda good: good.replace("sha256", "sha1"),
        lambda good: "sha256=" + "é" * 64,
        lambda good: "sha256=" + "٣" * 64,
    ],
)
def test_a_malformed_header_is_refused(spoil):
    assert not is_genuine(BODY, spoil(header(NEW)), [NEW])
