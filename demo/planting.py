"""The disk behind an image: how the emulated cloud is given it. What the disk holds, and what the image is for, may not enter."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

from demo.cloud import Access, Cloud
from demo.failure import DemoError

PATIENCE_SECONDS = 30


def plant(cloud: Cloud, access: Access, disk: Path) -> None:
    """Make an image of a cloud anew, with this file as its one disk; it is only read.

    Raises:
        DemoError: the emulator does not take it.
    """
    image = {"id": cloud.image, "region": access.region, "account": access.account_id, "disks": [{"file": str(disk)}]}
    emulator = http.client.HTTPConnection(urlsplit(access.endpoint).netloc, timeout=PATIENCE_SECONDS)
    try:
        emulator.request("POST", f"/_emulator/{cloud.images}", json.dumps(image))
        answer = emulator.getresponse()
        if answer.status not in {http.HTTPStatus.CREATED, http.HTTPStatus.NO_CONTENT}:
            raise DemoError(f"the emulated cloud takes no disk for {cloud.image}: {answer.read().decode()}")
    finally:
        emulator.close()
