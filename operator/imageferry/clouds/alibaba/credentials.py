"""Keys as the SDKs take them: a long-lived key, or a temporary one with its security token.

The SDKs' own credential chains are not used: which key signs a request must be known before it is sent, and they read the
environment. What a key is allowed to do is not known here.
"""

from typing import Any

from imageferry.core.secret import Keys


def for_api(keys: Keys | None) -> dict[str, str]:
    """The credential arguments of the Config of ECS and STS clients; with a token the SDK signs as STS.

    None are for the calls that nothing signs.
    """
    if keys is None:
        return {}
    found = {"access_key_id": keys.key_id, "access_key_secret": keys.secret}
    return found | {"security_token": keys.token} if keys.token else found


def for_object_store(keys: Keys | None, sdk: Any) -> Any:  # noqa: ANN401 -- the SDK ships no type information
    """The credentials provider of an OSS client; `sdk` is the imported package."""
    if keys is None:
        return sdk.credentials.AnonymousCredentialsProvider()
    return sdk.credentials.StaticCredentialsProvider(keys.key_id, keys.secret, keys.token or None)
