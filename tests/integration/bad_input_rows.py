"""The list of bad inputs, row by row, and which test holds each: at the door, by a condition, elsewhere, or not yet.

A row is a promise to users: a stable reason, a remedy in the message, no traceback, and no hot loop. The numbers are those of the
list that the project was planned with; rows of kinds and features that do not exist yet are named with the reason.
"""

from typing import Final

LAST_ROW: Final = 66

ADMISSION: Final[dict[int, str]] = {
    1: "an empty prefix",
    2: "a prefix that is too long",
    3: "a prefix with letters beyond ASCII, or none that can be seen",
    4: "a prefix with a hyphen, an underscore or a dot",
    5: "a prefix that is a path",
    6: "control characters",
    7: "no image, or two ways to name it",
    8: "an id that is none of an image",
    9: "a region that is not written as one",
    11: "a bucket name that is none",
    12: "an unknown format",
    14: "an image name that is too short or too long",
    15: "an image name that the cloud keeps for itself",
    17: "a description that is too long, or begins like an address",
    18: "huge fields, many labels",
    19: "a misspelt field",
    20: "a value of the wrong type",
    21: "a selector without bounds",
    22: "too many tags, or tags that the cloud or the operator keeps for itself",
    23: "no disks or too many, of sizes out of range",
    24: "an arm64 image that would start by BIOS",
    25: "Windows without a licence type",
    26: "an address in place of a file",
    36: "a deadline shorter than a look",
    59: "a Secret of another namespace, or a name that only looks like one",
    61: "edits of what was asked for",
}
"""Refused by the API server: test_bad_inputs_admission.py."""

CONDITIONS: Final[dict[int, str]] = {
    8: "an image id of the other cloud",
    9: "a region that does not exist",
    10: "a region without export",
    13: "a format that the region does not offer, or does not honour",
    18: "an object with ten thousand labels",
    37: "an image that does not exist",
    38: "an image that is not the account's own",
    39: "an image from the marketplace",
    40: "an encrypted image",
    41: "too many disks",
    42: "a disk that is too large",
    43: "a licence that forbids export",
    44: "an image in the making",
    48: "an account that is not on the white list, a role that does not exist",
    49: "a bucket that does not exist, or in another region",
    50: "a bucket that the cloud does not write to, is full, frozen, or lets nothing be deleted",
    51: "a bucket that is deleted during the run",
    54: "an unknown error code, an unknown task state",
    55: "a Secret that is not there",
    56: "a Secret without a usable key",
    57: "a key that is wrong, disabled or expired",
    66: "a finalizer that was cut by hand",
}
"""Told by a condition of the object or its account: test_bad_inputs.py."""

ELSEWHERE: Final[dict[int, tuple[tuple[str, str], ...]]] = {
    13: (("test_exports_life", "test_a_task_that_ended_well_with_bad_files_is_no_success"),),
    45: (("test_lost_answers", "test_an_image_that_a_foreign_export_holds_is_waited_for"),),
    46: (("test_refusals", "test_the_clouds_concurrent_quota_is_waited_out"),),
    47: (("test_refusals", "test_the_clouds_weekly_quota_closes_the_lane"),),
    53: (("test_lost_answers", "test_an_accepted_submission_is_followed_whatever_its_answer_was"),),
    58: (("test_refusals", "test_credentials_of_another_owner_hold_what_runs_and_submit_nothing"),),
    60: (("test_refusals", "test_a_wrong_clock_is_told_waited_out_and_heard_of_rarely"),),
    62: (("test_run_policy", "test_a_suspended_export_begins_nothing_and_goes_on_when_resumed"),),
    63: (("test_exports_life", "test_two_exports_of_one_image_follow_each_other"),),
    64: (("test_deletion", "test_a_deleted_export_goes_and_leaves_what_its_policy_says"),),
    65: (("test_deletion", "test_without_credentials_a_deletion_is_bounded_and_finished_when_they_return"),),
    66: (
        ("test_restart", "test_a_forged_task_id_harms_no_foreign_task"),
        ("test_kinds_replaced", "test_a_kind_that_is_deleted_and_made_again_is_served_again"),
        ("test_kinds_replaced", "test_what_a_newer_release_wrote_is_followed_after_a_rollback"),
    ),
}
"""Held by tests that need a scene of their own: the module and the test."""

LEFT_OUT: Final[dict[int, str]] = {
    16: "names an image that an import makes; there are no imports yet",
    27: "is about the files of an import; there are no imports yet",
    28: "is about the files of an import; there are no imports yet",
    29: "is about schedules, which do not exist",
    30: "is about schedules, which do not exist",
    31: "is about schedules, which do not exist",
    32: "is about schedules, which do not exist",
    33: "is about schedules, which do not exist",
    34: "is about a time to live, which does not exist: a GitOps tool would make the object again, and pay again",
    35: "is about retention, which does not exist",
    52: "is about exact file names; every name bears its attempt's key, so that no file is ever overwritten",
}
"""Not held, and why."""
