"""The colours, light and dark, and the arithmetic of contrast. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as ``#rrggbb``; every text colour reads on every ground (4.5:1), a test checks it."""

    background: str  # of the window
    surface: str  # of fields, lists and texts
    zebra: str  # of every second row
    selection: str  # of the chosen row
    text: str
    muted: str  # what may be overlooked
    accent: str  # the main action, links, the focus
    on_accent: str  # text upon the accent
    warning: str
    error: str
    ok: str
    border: str  # between areas
    outline: str  # of what can be clicked or filled in (3:1)

    @property
    def grounds(self) -> tuple[str, ...]:
        """What text stands on."""
        return (self.background, self.surface, self.zebra, self.selection)

    @property
    def inks(self) -> tuple[str, ...]:
        """What text is written in."""
        return (self.text, self.muted, self.accent, self.warning, self.error, self.ok)


LIGHT = Palette(
    background="#f3f4f6", surface="#ffffff", zebra="#f0f3f7", selection="#dbe8f8",
    text="#1b1f24", muted="#525b66", accent="#1a5aa8", on_accent="#ffffff",
    warning="#7d4a00", error="#ab1f1f", ok="#17632e", border="#cfd4db", outline="#7f8893",
)  # fmt: skip

DARK = Palette(
    background="#1d2126", surface="#252a30", zebra="#2b3138", selection="#2b4058",
    text="#e7eaee", muted="#b1b9c3", accent="#8fc0fa", on_accent="#10161d",
    warning="#ecc04f", error="#ff9c92", ok="#79d792", border="#3d454e", outline="#848e9a",
)  # fmt: skip


def contrast(one: str, other: str) -> float:
    """Return the contrast of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.1)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Return the colour that lies ``share`` (0.0 to 1.0) of the way from one to the other."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
