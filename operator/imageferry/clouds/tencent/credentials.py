"""Keys as the SDKs take them: a long-lived key, or a temporary one with its security token.

The SDKs' own credential chains are not used: which key signs a request must be known before it is sent, they read the
environment, and one of them asks the metadata service without a time limit. What a key is allowed to do is not known here.
"""

from typing import Any

from imageferry.core.secret import Keys


def for_api(keys: Keys | None, sdk: Any) -> Any:  # noqa: ANN401 -- the SDK ships no type information
    """The credential of a client of the API; `sdk` is the imported module `credential`. None is for calls that nothing signs."""
    return None if keys is None else sdk.Credential(keys.key_id, keys.secret, keys.token or None)


def for_object_store(keys: Keys) -> dict[str, str | None]:
    """The arguments of COS's configuration that say who asks.

    The token goes by itself: of an object given as CredentialInstance it is not sent (cos-python-sdk-v5 1.9.44).
    """
    return {"SecretId": keys.key_id, "SecretKey": keys.secret, "Token": keys.token or None}
