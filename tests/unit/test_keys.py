"""An attempt's key can be made again from uid and number alone, and nobody else's file is taken for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageferry.core.keys import (
    KEY_LENGTH,
    LOST_NUMBERING,
    SEARCHED_NUMBERS,
    attempt_key,
    belongs_to,
    is_own,
    key_in,
    mark,
    marks,
)
from tests.builders import UID


def test_a_key_never_changes_between_releases() -> None:
    """A later release finds the tasks of an earlier one: the key of an attempt is fixed for ever."""
    assert [attempt_key(UID, number) for number in (1, 2)] == ["xzdrvfvkye7m6", "sxnrlwcbfsus5"]


@given(st.uuids(), st.integers(0, 10_000))
def test_a_key_is_13_small_letters_and_digits(uid: object, number: int) -> None:
    """Every cloud takes a key in a file name, a token and a tag."""
    key = attempt_key(str(uid), number)
    assert len(key) == KEY_LENGTH
    assert key.isascii()
    assert key.isalnum()
    assert key == key.lower()


def test_no_two_attempts_share_a_key() -> None:
    """Neither two attempts of one object nor those of two objects."""
    keys = {attempt_key(uid, number) for uid in (UID, "another-uid") for number in range(2000)}
    assert len(keys) == 4000


def test_a_mark_is_the_users_prefix_and_the_key() -> None:
    """What a user finds in the bucket begins with what they asked for, or with the key where they asked for nothing."""
    key = attempt_key(UID, 7)
    assert (mark(UID, 7, "web").key, mark(UID, 7, "web").object_prefix) == (key, f"web{key}")
    assert mark(UID, 7, "").object_prefix == key
    assert mark(UID, 7, "web").number == 7
    assert marks(UID, range(1, 4), "web") == tuple(mark(UID, number, "web") for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        pytest.param("webk3v6qzd2x7m4a_m-1_system.raw.tar.gz", True, id="a file of the attempt is ours"),
        pytest.param("webk3v6qzd2x7m4a", False, id="a file with the bare prefix is not"),
        pytest.param("webk3v6qzd2x7m4abcdefghijklmn_m-1.raw", False, id="one whose prefix begins with ours is not"),
        pytest.param("WEBK3V6QZD2X7M4A_m-1.raw", False, id="one in other letters is not"),
        pytest.param("backup/webk3v6qzd2x7m4a_m-1.raw", False, id="one in another folder is not"),
    ],
)
def test_only_the_whole_prefix_and_its_end_make_a_file_ours(name: str, *, ours: bool) -> None:
    """A tenant who takes another object's key as prefix gains nothing."""
    assert belongs_to(name, "webk3v6qzd2x7m4a") is ours


@given(st.from_regex(r"[A-Za-z0-9]{0,17}", fullmatch=True), st.integers(1, 100))
def test_the_key_is_found_in_every_file_name_that_bears_it(prefix: str, number: int) -> None:
    """With any prefix, or none, a lost task's files lead back to its attempt."""
    own = mark(UID, number, prefix)
    assert key_in(f"{own.object_prefix}_m-1_system_0.raw.tar.gz") == own.key


@pytest.mark.parametrize("name", ["", "_", "readme.txt", "k3v6qzd2x7m4_short.raw", "webk3v6qzd2x7m4a"])
def test_names_that_cannot_hold_a_key_have_none(name: str) -> None:
    """Foreign files in the bucket are no news."""
    assert key_in(name) is None


def test_the_keys_of_one_object_are_its_own_and_no_others() -> None:
    """The latest attempts and those that a lost journal knew are recognised; another object's never are."""
    assert all(is_own(attempt_key(UID, number), UID, 3) for number in (3, SEARCHED_NUMBERS[0], SEARCHED_NUMBERS[-1]))
    assert is_own(attempt_key(UID, 50_000), UID, 50_001)
    assert not is_own(attempt_key(UID, 50_000), UID, 3)
    assert not is_own(attempt_key("another-uid", 1), UID, 1)
    assert not is_own("", UID, LOST_NUMBERING)
