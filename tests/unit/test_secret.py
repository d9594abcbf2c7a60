"""A key is read out of a Secret as people really write Secrets, and its value is never shown."""

import base64

import pytest

from imageferry.core.errors import Refusal
from imageferry.core.reasons import Reason
from imageferry.core.secret import Keys, parse_secret

KEY_ID = "LTAI5tExampleKeyId01"
CANARY = "canary-Aa1+/value"
TOKEN = "token-" + "x" * 900


def a_secret(**values: str | bytes) -> dict[str, object]:
    """A Secret as the API server returns it: the values in base64."""
    raw = {name: value if isinstance(value, bytes) else value.encode() for name, value in values.items()}
    return {"data": {name: base64.b64encode(value).decode() for name, value in raw.items()}}


def encoded(value: str) -> str:
    """The value in base64, as people write who encode it before `stringData` does."""
    return base64.b64encode(value.encode()).decode()


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY), id="as it should be"),
        pytest.param(a_secret(accessKeyID=KEY_ID + "\n", accessKeySecret=CANARY + "\n"), id="a newline from echo"),
        pytest.param(a_secret(accessKeyID=KEY_ID + "\r\n", accessKeySecret=" " + CANARY + "\t"), id="blanks of an editor"),
        pytest.param(a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY, other="\x00"), id="another field beside"),
        pytest.param(a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY, securityToken=""), id="an empty token"),
    ],
)  # fmt: skip
def test_a_key_is_read(secret: dict[str, object]) -> None:
    """The usual slips around a key do no harm."""
    assert parse_secret(secret) == Keys(key_id=KEY_ID, secret=CANARY)


def test_a_temporary_key_has_its_token() -> None:
    """A token is part of the key."""
    secret = a_secret(accessKeyID="STS.Example", accessKeySecret=CANARY, securityToken=TOKEN)
    assert parse_secret(secret) == Keys(key_id="STS.Example", secret=CANARY, token=TOKEN)


REFUSED = {
    "no data": ({}, "accessKeyID is missing or empty"),
    "null data": ({"data": None}, "accessKeyID is missing or empty"),
    "no secret": (a_secret(accessKeyID=KEY_ID), "accessKeySecret is missing or empty"),
    "an empty id": (a_secret(accessKeyID="\n", accessKeySecret=CANARY), "accessKeyID is missing or empty"),
    "a byte order mark": (
        a_secret(accessKeyID=b"\xef\xbb\xbf" + KEY_ID.encode(), accessKeySecret=CANARY),
        "accessKeyID is not plain printable text",
    ),
    "UTF-16": (
        a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY.encode("utf-16")),
        "accessKeySecret is not plain printable text",
    ),
    "a newline inside": (
        a_secret(accessKeyID=KEY_ID, accessKeySecret=f"{CANARY}\n{CANARY}"),
        "accessKeySecret is not plain printable text",
    ),
    "a control character": (
        a_secret(accessKeyID=KEY_ID, accessKeySecret=f"{CANARY}\x7f"),
        "accessKeySecret is not plain printable text",
    ),
    "one MiB": (
        a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY * 60_000),
        "accessKeySecret is not plain printable text",
    ),
    "a token of another kind": (
        a_secret(accessKeyID=KEY_ID, accessKeySecret=CANARY, securityToken=f"{CANARY} {CANARY}"),
        "securityToken is not plain printable text",
    ),
    "no base64": ({"data": {"accessKeyID": "%%%", "accessKeySecret": CANARY}}, "accessKeyID is not plain printable text"),
    "an id encoded twice": (
        a_secret(accessKeyID=encoded(KEY_ID), accessKeySecret=encoded(CANARY)),
        "accessKeyID is no key id (is it base64 inside base64?)",
    ),
    "an id encoded twice, without padding": (
        a_secret(accessKeyID=encoded(KEY_ID + "xy").rstrip("="), accessKeySecret=CANARY),
        "accessKeyID is no key id (is it base64 inside base64?)",
    ),
    "a whole line as id": (
        a_secret(accessKeyID=f"AccessKeyId={CANARY}", accessKeySecret=CANARY),
        "accessKeyID is no key id (is it base64 inside base64?)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("secret", "what"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_is_no_key_is_refused_by_name_and_never_shown(secret: dict[str, object], what: str) -> None:
    """The refusal says which field it is and holds no part of a value."""
    refusal = parse_secret(secret)
    assert refusal == Refusal(
        Reason.CREDENTIALS_MALFORMED,
        f"The Secret cannot be used: {what}.",
    )
    assert CANARY not in repr(refusal)


def test_a_key_does_not_show_itself() -> None:
    """Neither a log line nor a traceback that prints the value gives it away."""
    keys = Keys(key_id=KEY_ID, secret=CANARY, token=TOKEN)
    assert repr(keys) == str(keys) == f"Keys(key_id='{KEY_ID}', life_seconds=None)"
