"""The settings of a running emulator: times, quotas and the named switches for what the documents leave open.

Each field is changed by name through the seed or the admin API; what a switch means is said in the README. No behaviour here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from imageferry_emulator.shapes import ShapeError

if TYPE_CHECKING:
    from imageferry_emulator.clock import Clock
    from imageferry_emulator.state import Journal


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one account in one region.

    Exports: tasks at one time, tasks accepted within seven days of the task clock. Imports at one time. Custom images there are.
    """

    concurrent: int = 5
    weekly: int = 100
    imports: int = 20
    images: int = 100


@dataclass(frozen=True, slots=True)
class Values:
    """One consistent set of settings; names are those of the JSON, in snake case there and here."""

    speed: float = 60.0
    clock_offset_seconds: float = 0.0
    signature_life_seconds: float = 900.0
    quota: Quota = Quota()
    region_quotas: dict[str, Quota] = field(default_factory=dict)
    waiting_seconds: float = 10.0
    seconds_per_disk: float = 60.0
    read_lag_seconds: float = 0.0
    retention_seconds: float | None = None
    waiting_tasks_listed: bool = True
    task_action_style: str = "ExportImage"
    task_time_style: str = "seconds"
    support_cancel_style: str = "string"
    related_items_while_running: bool = False
    progress_per_disk: bool = False
    cancel_leaves_files: bool = True
    dry_run_code: str = "DryRunOperation"
    dry_run_sees_busy_image: bool = False
    path_style_accepted: bool = True
    signing_region_checked: bool = False
    restore_seconds: float = 60.0
    token_life_seconds: float | None = None
    metadata_hardened: bool = False
    role_without_rights: str = "refused"
    other_role_names: bool = True
    delete_unknown_image: str = "refused"
    delete_unknown_snapshot: str = "ignored"
    client_token_life_seconds: float = 86400.0
    image_read_lag_seconds: float = 0.0
    import_content_checked: str = "byTask"
    import_suffix_checked: bool = True
    packed_raw_imports: str = "accepted"
    import_tags_shown: str = "atOnce"
    importing_name_code: str = "InvalidImageName.Duplicated"
    waiting_import_status: str = "Creating"
    importing_snapshot_status: str = "failed"
    failed_import_leaves: str = "CreateFailed"
    cancelled_import_leaves: str = "nothing"
    cvm_export_tasks: float = 5.0
    cvm_images: float = 500.0
    cvm_dry_run_answer: str = "empty"
    cvm_dry_run_sees_busy_image: bool = True
    cvm_cos_paths_slash: bool = True
    cvm_extension_case: str = "lower"
    cvm_exporting_state: str = "NORMAL"
    cvm_image_freed: str = "withLastObject"
    cvm_failed_export_leaves: str = "nothing"
    cvm_signed_url_once: bool = True
    cvm_url_checked: str = "byTask"
    cvm_partition_checked: bool = True
    cvm_import_percent_told: bool = True
    cvm_unknown_tag_key: str = "created"
    cvm_unknown_image_id: str = "empty"


BOUNDLESS = ("retention_seconds", "token_life_seconds")
"""Null says that the setting sets no bound."""
CHOICES = {
    "task_action_style": ("ExportImage", "EXPORT_IMAGE"),
    "task_time_style": ("seconds", "minutes"),
    "support_cancel_style": ("string", "boolean"),
    "dry_run_code": ("DryRunOperation", "DRYRUN.SUCCESS"),
    "role_without_rights": ("refused", "taskFails"),
    "delete_unknown_image": ("refused", "ignored"),
    "delete_unknown_snapshot": ("ignored", "refused"),
    "import_content_checked": ("byTask", "atOnce"),
    "packed_raw_imports": ("accepted", "refused", "taskFails"),
    "import_tags_shown": ("atOnce", "whenAvailable"),
    "importing_name_code": ("InvalidImageName.Duplicated", "ImageIsImporting"),
    "waiting_import_status": ("Creating", "Waiting"),
    "importing_snapshot_status": ("failed", "progressing"),
    "failed_import_leaves": ("CreateFailed", "nothing"),
    "cancelled_import_leaves": ("nothing", "CreateFailed"),
    "cvm_dry_run_answer": ("empty", "DryRunOperation"),
    "cvm_extension_case": ("lower", "upper"),
    "cvm_exporting_state": ("NORMAL", "EXPORTING"),
    "cvm_image_freed": ("withLastObject", "beforeLastObject"),
    "cvm_failed_export_leaves": ("nothing", "uploads"),
    "cvm_url_checked": ("byTask", "atOnce"),
    "cvm_unknown_tag_key": ("created", "refused"),
    "cvm_unknown_image_id": ("empty", "refused"),
}


class Settings:
    """The current values, kept in the journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self.values = parse(journal.table("settings"), Values())
        clock.shift(self.values.clock_offset_seconds)

    @property
    def signature_life(self) -> float:
        """Real seconds for which a signature is accepted, before and after the time it names."""
        return self.values.signature_life_seconds

    def quota(self, region: str) -> Quota:
        """The limits in a region."""
        return self.values.region_quotas.get(region, self.values.quota)

    def change(self, changes: dict[str, Any]) -> None:
        """Take over `changes` ({camelCase name: JSON value}), all or none.

        Raises ValueError that names the first unknown setting or unfit value.
        """
        self.values = parse(changes, self.values)
        for name, value in changes.items():
            self._journal.put("settings", name, value)
        if "speed" in changes:
            self._clock.run_at(self.values.speed)
        self._clock.shift(self.values.clock_offset_seconds)

    def shown(self) -> dict[str, Any]:
        """All settings under their JSON names."""
        return {camel(name): value for name, value in asdict(self.values).items()}


def parse(changes: dict[str, Any], start: Values) -> Values:
    """`start` with `changes` made. Raises ValueError for an unknown name or an unfit value."""
    known = {camel(f.name): f.name for f in fields(Values)}
    found: dict[str, Any] = {}
    for shown, value in changes.items():
        name = known.get(shown)
        if name is None:
            raise ShapeError(f"unknown setting {shown!r}; known are {', '.join(sorted(known))}")
        found[name] = _fit(name, value, getattr(start, name))
    return replace(start, **found)


def camel(name: str) -> str:
    """`read_lag_seconds` as JSON writes it: `readLagSeconds`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _fit(name: str, value: Any, current: Any) -> Any:  # noqa: ANN401 (any JSON value in, the field's type out)
    if name == "quota":
        return _quota(value, current)
    if name == "region_quotas" and isinstance(value, dict):
        return {region: _quota(limits, Quota()) for region, limits in value.items()}
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ShapeError(f"{camel(name)} must be one of {CHOICES[name]}, not {value!r}")
        return value
    if isinstance(current, bool):
        if not isinstance(value, bool):
            raise ShapeError(f"{camel(name)} must be true or false, not {value!r}")
        return value
    return None if name in BOUNDLESS and value is None else _number(name, value)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ShapeError(f"{camel(name)} must be a number, not {value!r}")
    if name == "speed" and value <= 0:
        raise ShapeError(f"speed must be positive, not {value!r}")
    if name != "clock_offset_seconds" and value < 0:
        raise ShapeError(f"{camel(name)} must not be negative, not {value!r}")
    return float(value)


def _quota(value: Any, current: Quota) -> Quota:  # noqa: ANN401 (any JSON value)
    if not isinstance(value, dict) or not set(value) <= {f.name for f in fields(Quota)}:
        raise ShapeError(f"a quota is {{{', '.join(f.name for f in fields(Quota))}}}, not {value!r}")
    if any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in value.values()):
        raise ShapeError(f"a quota holds whole numbers, not {value!r}")
    return replace(current, **value)
