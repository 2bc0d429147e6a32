"""The ttk styles of the theme; everything that ttk can draw is set here and nowhere else."""

from tkinter import ttk
from typing import TYPE_CHECKING, Any

from panels.widgets.palette import mix

if TYPE_CHECKING:
    from panels.widgets.theme import Theme

TEXTS = ("muted", "accent", "warning", "error", "ok")  # Muted.TLabel ...


def apply_styles(style: ttk.Style, theme: "Theme") -> None:
    """Fill the ttk theme in use with the colours and distances of ours."""
    style.configure(
        ".", background=theme.background, foreground=theme.text, font=theme.body,
        bordercolor=theme.outline, lightcolor=theme.background, darkcolor=theme.background,
        troughcolor=theme.zebra, selectbackground=theme.selection, selectforeground=theme.text,
        insertcolor=theme.text, insertwidth=theme.hair + 1, fieldbackground=theme.surface,
        focuscolor=theme.accent, relief="flat",
    )  # fmt: skip
    style.map(".", foreground=[("disabled", _faint(theme))])
    _labels(style, theme)
    _buttons(style, theme)
    _fields(style, theme)
    _rest(style, theme)


def _faint(theme: "Theme") -> str:
    """Return the text colour of what is switched off: it is not read, it is only there."""
    return mix(theme.muted, theme.background, 0.35)


def _labels(style: ttk.Style, theme: "Theme") -> None:
    for ground, colour in (("", theme.background), ("Surface.", theme.surface)):
        style.configure(f"{ground}TFrame", background=colour)
        style.configure(f"{ground}TLabel", background=colour)
        style.configure(f"{ground}Bold.TLabel", background=colour, font=theme.bold)
        style.configure(f"{ground}Mono.TLabel", background=colour, font=theme.mono)
        for text in TEXTS:
            style.configure(
                f"{ground}{text.title()}.TLabel", background=colour, foreground=theme.colour(text)
            )
    for tone in ("ok", "warning", "error", "accent"):
        ground, colour = f"{tone.title()}Banner.", theme.tint(tone)
        style.configure(f"{ground}TFrame", background=colour)
        style.configure(f"{ground}TLabel", background=colour)
        style.configure(f"{ground}Bold.TLabel", background=colour, font=theme.bold)


def _buttons(style: ttk.Style, theme: "Theme") -> None:
    plain = mix(theme.surface, theme.text, 0.04)
    ring: dict[str, Any] = {
        "bordercolor": [("disabled", theme.border), ("focus", theme.accent)],
        "lightcolor": [("disabled", theme.background), ("focus", theme.accent)],
        "darkcolor": [("disabled", theme.background), ("focus", theme.accent)],
    }
    style.configure(
        "TButton", background=plain, lightcolor=plain, darkcolor=plain, anchor="center",
        padding=(theme.half - theme.hair, theme.quarter), borderwidth=1, width=0, relief="raised",
        focusthickness=theme.hair,
    )  # fmt: skip
    style.map(
        "TButton",
        background=[
            ("disabled", theme.background), ("pressed", theme.selection),
            ("active", mix(plain, theme.accent, 0.12)),
        ],
        **ring,
    )  # fmt: skip
    style.configure(
        "Main.TButton", background=theme.accent, foreground=theme.on_accent, font=theme.bold,
        lightcolor=theme.accent, darkcolor=theme.accent, bordercolor=theme.accent,
        focuscolor=theme.on_accent,
    )  # fmt: skip
    style.map(
        "Main.TButton",
        background=[
            ("disabled", theme.background), ("pressed", mix(theme.accent, theme.text, 0.3)),
            ("active", mix(theme.accent, theme.text, 0.15)),
        ],
        bordercolor=[("disabled", theme.border), ("focus", theme.text)],
        lightcolor=[("disabled", theme.background), ("focus", theme.on_accent)],
        darkcolor=[("disabled", theme.background), ("focus", theme.on_accent)],
    )  # fmt: skip
    style.configure(
        "Help.TButton", padding=(theme.quarter, 0), foreground=theme.accent,
        background=theme.background, lightcolor=theme.background, darkcolor=theme.background,
        bordercolor=theme.border,
    )  # fmt: skip
    style.configure("Rail.TButton", anchor="w", padding=(theme.half, theme.quarter))
    style.configure("Chosen.Rail.TButton", background=theme.selection)
    style.map("Chosen.Rail.TButton", background=[("active", theme.selection)])


def _fields(style: ttk.Style, theme: "Theme") -> None:
    ring: dict[str, Any] = {
        "bordercolor": [("focus", theme.accent), ("invalid", theme.error)],
        "lightcolor": [("focus", theme.accent), ("invalid", theme.error)],
        "darkcolor": [("focus", theme.accent), ("invalid", theme.error)],
        "fieldbackground": [("disabled", theme.background), ("readonly", theme.surface)],
        "foreground": [("disabled", _faint(theme))],
    }
    for name in ("TEntry", "TCombobox", "TSpinbox"):
        style.configure(
            name, padding=(theme.quarter, round(theme.quarter * 0.7)), foreground=theme.text,
            lightcolor=theme.surface, darkcolor=theme.surface, background=theme.surface,
            fieldbackground=theme.surface, bordercolor=theme.outline,
        )  # fmt: skip
        style.map(
            name, **ring, selectbackground=[("!focus", theme.surface)],
            selectforeground=[("!focus", theme.text)],
        )  # fmt: skip
        style.configure(f"Proposed.{name}", foreground=theme.accent)
        style.map(f"Proposed.{name}", foreground=[("disabled", _faint(theme))])
    for name in ("TCombobox", "TSpinbox"):
        style.configure(name, arrowsize=round(theme.line * 0.8), arrowcolor=theme.text)


def _rest(style: ttk.Style, theme: "Theme") -> None:
    grip = mix(theme.background, theme.text, 0.25)
    for side, sticky in (("Vertical", "ns"), ("Horizontal", "ew")):  # without arrows
        thumb: Any = (f"{side}.Scrollbar.thumb", {"expand": "1", "sticky": "nswe"})
        trough: Any = (f"{side}.Scrollbar.trough", {"sticky": sticky, "children": [thumb]})
        style.layout(f"{side}.TScrollbar", [trough])
    style.configure(
        "TScrollbar", background=grip, troughcolor=theme.background, bordercolor=theme.background,
        lightcolor=grip, darkcolor=grip, gripcount=0, arrowsize=round(theme.line * 0.7),
    )  # fmt: skip
    style.map(
        "TScrollbar",
        background=[
            ("disabled", theme.background),
            ("active", mix(theme.background, theme.text, 0.4)),
        ],
    )
    style.configure(
        "TProgressbar", background=theme.accent, troughcolor=theme.zebra, thickness=theme.half,
        bordercolor=theme.border, lightcolor=theme.accent, darkcolor=theme.accent,
    )  # fmt: skip
    for side in (
        "Horizontal",
        "Vertical",
    ):  # one flat line; the elements' own are three-dimensional
        line: Any = ("Separator.padding", {"sticky": "nswe"})
        fill: Any = ("Separator.fill", {"sticky": "nswe", "children": [line]})
        style.layout(f"{side}.TSeparator", [fill])
    style.configure("TSeparator", background=theme.border, padding=(theme.hair, theme.hair, 0, 0))
    style.configure("TPanedwindow", background=theme.background)
    style.configure("Sash", sashthickness=theme.half, gripcount=0)
    style.configure("TNotebook", bordercolor=theme.border, lightcolor=theme.background)
    style.configure("TNotebook.Tab", padding=(theme.half, theme.quarter), bordercolor=theme.border)
    style.map(
        "TNotebook.Tab",
        background=[("selected", theme.surface)],
        lightcolor=[("selected", theme.surface)],
        foreground=[("selected", theme.text), ("!selected", theme.muted)],
    )
    style.configure(
        "Treeview", rowheight=round(theme.line * 1.4), background=theme.surface,
        fieldbackground=theme.surface, bordercolor=theme.border, indent=theme.line,
    )  # fmt: skip
    style.map(
        "Treeview",
        background=[("selected", theme.selection)],
        foreground=[("selected", theme.text)],
        bordercolor=[("focus", theme.accent)],
    )
    style.configure("Treeview.Heading", background=theme.background, font=theme.bold)
