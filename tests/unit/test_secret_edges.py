"""A key is taken as it is meant: nothing of it is cut off, and what was encoded twice is told from what only looks so."""

import base64

import pytest

from imageferry.core.errors import Refusal
from imageferry.core.secret import Keys, parse_secret

KEY_ID = "LTAI5tExampleKeyId01"


def a_secret(**values: str) -> dict[str, object]:
    """A Secret as the API server returns it: the values in base64."""
    return {"data": {name: encoded(value) for name, value in values.items()}}


def encoded(value: str) -> str:
    """The value in base64."""
    return base64.b64encode(value.encode()).decode()


def refused(secret: dict[str, object]) -> str:
    """What a refusal says, or nothing if the key is read."""
    found = parse_secret(secret)
    return found.message if isinstance(found, Refusal) else ""


@pytest.mark.parametrize("value", ["XkeyX", "x" * 16_384])
def test_no_letter_of_a_key_is_lost(value: str) -> None:
    """Whatever it begins and ends with and however long it is."""
    found = parse_secret(a_secret(accessKeyID=KEY_ID, accessKeySecret=value))
    assert isinstance(found, Keys)
    assert found.secret == value


def test_a_byte_more_than_any_key_has_is_no_key() -> None:
    """Something else was put into the field."""
    assert "accessKeySecret is not plain" in refused(a_secret(accessKeyID=KEY_ID, accessKeySecret="x" * 16_385))


def test_only_the_usual_slips_are_forgiven() -> None:
    """A control character at the end was not left by an editor."""
    assert "accessKeySecret is not plain" in refused(a_secret(accessKeyID=KEY_ID, accessKeySecret="key\x0b"))


def test_every_field_is_looked_at() -> None:
    """What is wrong with one is told although another is missing."""
    assert "accessKeySecret is not plain" in refused(a_secret(accessKeySecret="a b"))


@pytest.mark.parametrize("key_id", ["LTAI5tExampleKeyId01", "STS.NExampleKeyId", "AKIDExampleKeyId"])
@pytest.mark.parametrize("padding", ["=", ""])
def test_an_id_of_any_cloud_that_was_encoded_twice_is_told(key_id: str, padding: str) -> None:
    """With its padding or without."""
    twice = encoded(key_id).rstrip("=") if not padding else encoded(key_id)
    assert "base64 inside base64" in refused(a_secret(accessKeyID=twice, accessKeySecret="key"))


def test_an_id_that_is_no_base64_was_not_encoded() -> None:
    """Dots belong into an id, and into no base64: what is left without them proves nothing."""
    dotted = encoded(KEY_ID).rstrip("=")
    assert refused(a_secret(accessKeyID=f"{dotted[:4]}....{dotted[4:]}", accessKeySecret="key")) == ""
