"""The looks: a calm ttk theme of our own upon clam, light and dark, every distance in font units."""

import tkinter as tk
from collections.abc import Callable
from dataclasses import fields
from tkinter import font, ttk
from weakref import WeakKeyDictionary

from panels.widgets.indicators import make_indicators
from panels.widgets.palette import DARK, LIGHT, Palette, mix
from panels.widgets.styles import apply_styles

POINTS = 10  # the one type size; Tk makes pixels of it with ``tk scaling``

_of_root: "WeakKeyDictionary[tk.Misc, Theme]" = WeakKeyDictionary()


class Theme:
    """Fonts, colours and distances of a window; made once for each root, used in its thread.

    ``scale`` multiplies the display's own scaling: 2.0 is 200 %.
    """

    background: str
    surface: str
    zebra: str
    selection: str
    text: str
    muted: str
    accent: str
    on_accent: str
    warning: str
    error: str
    ok: str
    border: str
    outline: str

    def __init__(self, root: tk.Tk, *, dark: bool = False, scale: float = 1.0) -> None:
        self.root = root
        self.dark = dark
        self._images: list[tk.PhotoImage] = []  # Tk shows them only as long as somebody keeps them
        if scale != 1.0:
            root.tk.call("tk", "scaling", float(root.tk.call("tk", "scaling")) * scale)
        self.body = _font(root, "HaoscarBody", "TkDefaultFont")
        self.bold = _font(root, "HaoscarBold", "TkDefaultFont", weight="bold")
        self.mono = _font(root, "HaoscarMono", "TkFixedFont")
        self.line = self.body.metrics("linespace")
        self.half = round(self.line / 2)
        self.quarter = round(self.line / 4)
        self.hair = max(1, round(self.line / 16))  # the width of a drawn line
        _of_root[root] = self
        self._use(dark)

    @classmethod
    def of(cls, widget: tk.Misc) -> "Theme":
        """Return the theme of the window that a widget is in; raises KeyError without one."""
        return _of_root[widget.nametowidget(".")]

    @property
    def palette(self) -> Palette:
        """The colours in force."""
        return DARK if self.dark else LIGHT

    def toggle(self) -> None:
        """Change between light and dark; every widget gets <<ThemeChanged>>."""
        self._use(not self.dark)

    def follow(self, widget: tk.Misc, recolour: Callable[[], object]) -> None:
        """Colour a widget that ttk does not, now and whenever light and dark change."""
        recolour()

        def changed(event: "tk.Event[tk.Misc]") -> None:
            if event.widget is widget:
                recolour()

        widget.bind("<<ThemeChanged>>", changed, add="+")

    def chars(self, count: float) -> int:
        """Return the width of ``count`` characters in pixels."""
        return round(self.body.measure("0") * count)

    def colour(self, name: str) -> str:
        """Return a colour by its name; raises AttributeError."""
        return str(getattr(self.palette, name))

    def tint(self, name: str, share: float = 0.14) -> str:
        """Return a faint ground in one of the colours, for a banner."""
        return mix(self.background, self.colour(name), share)

    def _use(self, dark: bool) -> None:
        self.dark = dark
        for one in fields(Palette):
            setattr(self, one.name, getattr(self.palette, one.name))
        style = ttk.Style(self.root)
        name = f"haoscar-{'dark' if dark else 'light'}"
        if name not in style.theme_names():
            style.theme_create(name, parent="clam")
            style.theme_use(name)
            apply_styles(style, self)
            self._images += make_indicators(style, self)
        else:
            style.theme_use(name)
        self.root.configure(background=self.background)
        for option, value in (
            ("background", self.surface), ("foreground", self.text),
            ("selectBackground", self.selection), ("selectForeground", self.text),
            ("font", "HaoscarBody"),
        ):  # fmt: skip
            self.root.option_add(f"*TCombobox*Listbox.{option}", value)


def _font(root: tk.Tk, name: str, like: str, weight: str = "normal") -> font.Font:
    """Make a named font of the one size, in the family that the system uses for this purpose."""
    family = font.nametofont(like, root).actual("family")
    return font.Font(root, name=name, family=family, size=POINTS, weight=weight)  # type: ignore[arg-type]
