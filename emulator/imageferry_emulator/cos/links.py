"""An object by its URL, as other services of the cloud are given it: signed in its query, or readable by everybody.

Such a service reads within the cloud, so that no request over HTTP comes of it; what the URL may is decided as if one did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imageferry_emulator.cos import calls, errors, signature, wire
from imageferry_emulator.cos.calls import Sender
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.signature import Signed
from imageferry_emulator.objects.models import BucketMissingError, ObjectMissingError

if TYPE_CHECKING:
    from imageferry_emulator.objects.models import StoredObject
    from imageferry_emulator.world import World

RIGHT = "cos:GetObject"


def resolve(url: str, world: World) -> StoredObject:
    """The object that a URL `https://bucket-appid.cos.region.myqcloud.com/key[?signature]` lets its bearer read now.

    Whether it was used before is not looked at. Raises CosError as GetObject does, and InvalidURI for what is no URL of COS.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not wire.place(parts.netloc).bucket:
        raise CosError(errors.URI)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    target = wire.target(path, parts.netloc)
    caller = signature.caller(Signed("GET", target, {"host": parts.netloc}), world)
    if caller is not None and not world.tencent.directory.allows(caller.key, RIGHT):
        raise CosError(errors.DENIED)
    sender = Sender(world, target, caller)
    try:
        stored = sender.readable(target.key)
    except BucketMissingError:
        raise CosError(errors.BUCKET_MISSING) from None
    except ObjectMissingError:
        raise CosError(errors.OBJECT_MISSING) from None
    calls.check_thawed(sender, stored)
    return stored
