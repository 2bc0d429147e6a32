"""What a key and a table of the site file are."""

from dataclasses import dataclass

from backend.site.values import Read


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    name: str
    read: Read  # raises HaoscarError
    values: str  # type and range, for people
    meaning: str
    example: str  # as TOML
    required: bool = False
    default: object = None
    default_text: str = ""  # where the default is not a fixed value


@dataclass(frozen=True, slots=True)
class Section:
    """One table, or with ``repeated`` one array of tables."""

    path: tuple[str, ...]
    meaning: str
    keys: tuple[Key, ...]
    repeated: bool = False
    required: bool = False
    identity: tuple[str, ...] = ("name",)  # the keys that tell its entries apart; none: their place
    children: tuple["Section", ...] = ()  # tables, or lists of them, below each entry

    @property
    def header(self) -> str:
        """The line that begins it."""
        name = ".".join(self.path)
        return f"[[{name}]]" if self.repeated else f"[{name}]"

    def key(self, name: str) -> Key | None:
        """Return the key of that name, or None."""
        return next((one for one in self.keys if one.name == name), None)
