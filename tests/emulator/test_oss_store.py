"""Objects are whole or not there, whatever happens to the process, and the store's sums and orders are right."""

from __future__ import annotations

import hashlib
import http.client
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageferry_emulator.objects import models
from imageferry_emulator.objects.crc64 import crc64
from imageferry_emulator.objects.store import ObjectStore
from tests.emulator.bucket_clients import call, signer

if TYPE_CHECKING:
    from tests.emulator_process import EmulatorProcess

MIB = 1 << 20


def test_what_was_answered_survives_a_kill(emulator: EmulatorProcess) -> None:
    """After SIGKILL and a new start, objects, deletions and buckets are as the answers said."""
    by = signer(emulator)
    call(emulator, by, "PUT", "/kept-bucket/")
    call(emulator, by, "PUT", "/gone-bucket/")
    put = call(emulator, by, "PUT", "/kept-bucket/a/b", body=b"first", headers={"x-oss-meta-note": "kept"})
    call(emulator, by, "PUT", "/kept-bucket/replaced", body=b"old")
    call(emulator, by, "PUT", "/kept-bucket/replaced", body=b"new")
    call(emulator, by, "PUT", "/kept-bucket/deleted", body=b"old")
    call(emulator, by, "DELETE", "/kept-bucket/deleted")
    call(emulator, by, "DELETE", "/gone-bucket/")

    emulator.kill()
    emulator.start()

    kept = call(emulator, by, "GET", "/kept-bucket/a/b")
    assert (kept.body, kept.headers["etag"], kept.headers["x-oss-meta-note"]) == (b"first", put.headers["etag"], "kept")
    assert kept.headers["x-oss-hash-crc64ecma"] == put.headers["x-oss-hash-crc64ecma"]
    assert call(emulator, by, "GET", "/kept-bucket/replaced").body == b"new"
    assert call(emulator, by, "GET", "/kept-bucket/deleted").code == "NoSuchKey"
    assert call(emulator, by, "GET", "/gone-bucket/").code == "NoSuchBucket"


@pytest.mark.parametrize("round_number", range(3))
def test_a_kill_while_objects_are_replaced_tears_none(emulator: EmulatorProcess, round_number: int) -> None:
    """Killed among uploads to one key, the store holds one of the uploaded contents whole, and at least the last answered."""
    by = signer(emulator)
    call(emulator, by, "PUT", "/torn-bucket/")
    answered: list[int] = []
    enough = threading.Event()

    def upload() -> None:
        for number in range(256):
            try:
                call(emulator, by, "PUT", "/torn-bucket/k", body=bytes([number]) * MIB)
            except (OSError, http.client.HTTPException):
                return
            answered.append(number)
            if len(answered) > round_number + 2:
                enough.set()

    uploading = threading.Thread(target=upload)
    uploading.start()
    assert enough.wait(60)
    emulator.kill()
    uploading.join()
    emulator.start()

    found = call(emulator, by, "GET", "/torn-bucket/k")
    assert found.status == 200
    assert found.body == found.body[:1] * MIB
    assert found.body[0] in (answered[-1], answered[-1] + 1)
    assert found.headers["etag"] == f'"{hashlib.md5(found.body, usedforsecurity=False).hexdigest().upper()}"'


def test_what_a_dead_process_left_half_written_is_swept(tmp_path: Path) -> None:
    """Bytes that no object refers to are removed when the store is opened, and nothing else is."""
    store = ObjectStore(tmp_path)
    store.create_bucket("bucket", region="cn-hangzhou", owner="1", sse="None")
    kept = store.put("bucket", "k", b"kept")
    orphan = kept.path.with_name("orphan.data")
    orphan.write_bytes(b"left over")
    (tmp_path / "incoming" / "half").write_bytes(b"ha")

    again = ObjectStore(tmp_path)

    assert again.head("bucket", "k") == kept
    assert not orphan.exists()
    assert list((tmp_path / "incoming").iterdir()) == []


def test_an_open_object_stays_readable_when_it_is_deleted(tmp_path: Path) -> None:
    """Who began to read goes on reading what was there."""
    store = ObjectStore(tmp_path)
    store.create_bucket("bucket", region="cn-hangzhou", owner="1", sse="None")
    store.put("bucket", "k", b"content")

    stored, source = store.open("bucket", "k")
    store.delete("bucket", "k")

    with source:
        assert source.read() == b"content"
    assert not stored.path.exists()
    with pytest.raises(models.ObjectMissingError):
        store.head("bucket", "k")


def test_a_file_is_copied_and_bytes_are_stored_alike(tmp_path: Path) -> None:
    """Storing a file leaves it where it is and gives the same object as storing its bytes."""
    store = ObjectStore(tmp_path / "store")
    store.create_bucket("bucket", region="cn-hangzhou", owner="1", sse="None")
    file = tmp_path / "file"
    file.write_bytes(b"content" * 1000)

    of_file, of_bytes = store.put("bucket", "a", file), store.put("bucket", "b", file.read_bytes())

    assert (of_file.size, of_file.etag, of_file.crc64) == (of_bytes.size, of_bytes.etag, of_bytes.crc64)
    assert of_file.path.read_bytes() == file.read_bytes()


def test_a_bucket_is_there_once_and_empty_when_it_goes(tmp_path: Path) -> None:
    """Making it twice, deleting it with objects and using it when it is gone are errors of their own kinds."""
    store = ObjectStore(tmp_path)
    store.create_bucket("bucket", region="cn-hangzhou", owner="1", sse="KMS")
    store.put("bucket", "k", b"")

    with pytest.raises(models.BucketTakenError):
        store.create_bucket("bucket", region="cn-hangzhou", owner="2", sse="None")
    with pytest.raises(models.BucketFullError):
        store.delete_bucket("bucket")
    store.delete("bucket", "k")
    store.delete_bucket("bucket")
    with pytest.raises(models.BucketMissingError):
        store.put("bucket", "k", b"")
    assert ObjectStore(tmp_path).buckets() == ()


@settings(max_examples=60, deadline=None)
@given(
    keys=st.sets(st.text(alphabet="ab/é", min_size=1, max_size=5), max_size=12),
    prefix=st.text(alphabet="ab/", max_size=2),
    delimiter=st.sampled_from(["", "/", "b"]),
    limit=st.integers(1, 4),
)
def test_pages_put_together_are_the_whole_listing(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str, delimiter: str, limit: int
) -> None:
    """For any keys, prefix, delimiter and page size, the pages hold each name once and in order, and none is over-full."""
    store = ObjectStore(tmp_path_factory.mktemp("store"))
    store.create_bucket("bucket", region="cn-hangzhou", owner="1", sse="None")
    for key in keys:
        store.put("bucket", key, b"")
    expected = sorted({_folded(key, prefix, delimiter) for key in keys if key.startswith(prefix)})

    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = store.list("bucket", prefix=prefix, after=after, delimiter=delimiter, limit=limit)
        names = sorted([stored.key for stored in page.objects] + list(page.prefixes))
        assert len(names) <= limit
        found += names
        after = page.last

    assert found == expected


def _folded(key: str, prefix: str, delimiter: str) -> str:
    head, met, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key[len(prefix) :], "", "")
    return prefix + head + met


def test_the_sum_of_the_check_string_is_the_published_one() -> None:
    """CRC-64/XZ of "123456789" is 995DC9BBDF1939FA; of nothing it is 0."""
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert crc64(b"") == 0


@pytest.mark.parametrize("length", [1, 7, 8, 511, 512, 513, 532, 533, 4096, 65_537, (1 << 19) + 3, (1 << 20) + 1])
def test_a_long_message_sums_as_its_bytes_do(length: int) -> None:
    """Folding gives what shifting bit by bit gives, at once or in parts, for lengths around every threshold."""
    message = (hashlib.sha256(str(length).encode()).digest() * (length // 32 + 1))[:length]
    expected = _bitwise(message)

    assert crc64(message) == expected
    assert crc64(message[length // 3 :], crc64(message[: length // 3])) == expected


def _bitwise(message: bytes) -> int:
    """The definition: shift the register by one bit, and subtract the reversed ECMA-182 polynomial where a one falls out."""
    state = 0xFFFFFFFFFFFFFFFF
    for octet in message:
        state ^= octet
        for _ in range(8):
            state = state >> 1 ^ (0xC96C5795D7870F42 if state & 1 else 0)
    return state ^ 0xFFFFFFFFFFFFFFFF
