from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imageferry_emulator import seed
from imageferry_emulator.cos import links
from imageferry_emulator.cos.errors import CosError
from imageferry_emulator.cos.models import PLAIN
from imageferry_emulator.objects.models import Traits
from imageferry_emulator.opening import open_world
from tests.emulator.tencent import Cos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imageferry_emulator.world import World

BUCKET = "ferry-good-1250000001"
HOST = f"https://{BUCKET}.cos.ap-guangzhou.myqcloud.com"
OWNER = Cos("AKID-FAKE-EMULATOR-KEY", "fake-secret-of-the-emulator", BUCKET)
FOREIGN = OWNER.but(key_id="AKID-FAKE-OTHER-KEY", secret="fake-secret-of-the-other")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world of the default seed, with a private, a public and an archived object."""
    opened = open_world(tmp_path)
    seed.plant(opened, seed.read(None))
    opened.tencent.objects.put(BUCKET, "dir/a b.qcow2", b"private", traits=PLAIN)
    opened.tencent.objects.put(BUCKET, "open", b"public", traits=Traits(storage_class="STANDARD", acl="public-read"))
    opened.tencent.objects.put(BUCKET, "cold", b"cold", traits=Traits(storage_class="ARCHIVE"))
    yield opened
    opened.journal.close()


def test_a_signed_url_leads_to_its_object(world: World) -> None:
    """A service that is given a URL reads what the signer of it may read."""
    stored = links.resolve(OWNER.url("dir/a b.qcow2"), world)
    assert (stored.key, stored.path.read_bytes()) == ("dir/a b.qcow2", b"private")


def test_a_public_object_needs_no_signature(world: World) -> None:
    """What everybody may read is read by its bare URL."""
    assert links.resolve(f"{HOST}/open", world).key == "open"


REFUSED: dict[str, tuple[str, str]] = {
    "a private object without a signature": (f"{HOST}/dir/a%20b.qcow2", "AccessDenied"),
    "a signature whose time is over": (OWNER.but(starts=-20, ends=-10).url("dir/a b.qcow2"), "AccessDenied"),
    "a signature for something else": (OWNER.url("dir/a b.qcow2", "PUT"), "SignatureDoesNotMatch"),
    "a signature of one who may not read": (FOREIGN.url("dir/a b.qcow2"), "AccessDenied"),
    "an object that is not": (OWNER.url("nothing"), "NoSuchKey"),
    "an object in the archive": (OWNER.url("cold"), "InvalidObjectState"),
    "a bucket that is not": ("https://nothing-1250000001.cos.ap-guangzhou.myqcloud.com/key", "NoSuchBucket"),
    "another region's host": (f"https://{BUCKET}.cos.ap-singapore.myqcloud.com/open", "NoSuchBucket"),
    "a host that is none of COS": ("https://example.com/open", "InvalidURI"),
    "what is no URL": ("cos://bucket/key", "InvalidURI"),
}


@pytest.mark.parametrize(("url", "code"), REFUSED.values(), ids=REFUSED)
def test_a_url_is_refused(world: World, url: str, code: str) -> None:
    """A URL gives no more than a request by it would."""
    with pytest.raises(CosError) as refused:
        links.resolve(url, world)
    assert refused.value.fault.code == code
