"""Check boxes and radio buttons in the theme's colours, as images of ttk elements."""

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from panels.widgets import marks
from panels.widgets.palette import mix

if TYPE_CHECKING:
    from panels.widgets.theme import Theme


def make_indicators(style: ttk.Style, theme: "Theme") -> list[tk.PhotoImage]:
    """Give the ttk theme in use its indicators; the images must be kept alive by the caller."""
    size = round(theme.line * 0.9)
    kinds: dict[str, tuple[marks.Shape, marks.Shape]] = {
        "Checkbutton": (marks.box(size), marks.tick(size)),
        "Radiobutton": (marks.disc(size), marks.disc(size, 0.45)),
    }
    kept: list[tk.PhotoImage] = []
    for kind, (shape, mark) in kinds.items():

        def image(
            edge: str, fill: str, ink: str = "",
            shape: marks.Shape = shape, mark: marks.Shape = mark,
        ) -> tk.PhotoImage:  # fmt: skip
            made = tk.PhotoImage(master=theme.root, width=size, height=size)
            marked = mark if ink else None
            made.put(
                marks.draw(size, theme.background, edge, fill, shape, marked, ink, theme.hair * 1.2)
            )
            kept.append(made)
            return made

        off = mix(theme.background, theme.muted, 0.5)
        states: Any = (
            ("disabled", "selected", image(off, theme.background, off)),
            ("disabled", image(off, theme.background)),
            ("focus", "selected", image(theme.text, theme.accent, theme.on_accent)),
            ("selected", image(theme.accent, theme.accent, theme.on_accent)),
            ("focus", image(theme.accent, theme.surface)),
        )
        name = f"Haoscar.{kind}.indicator"
        style.element_create(
            name, "image", image(theme.outline, theme.surface), *states,
            width=size + theme.half, sticky="w",
        )  # fmt: skip
        label: Any = (f"{kind}.label", {"side": "left", "sticky": "nswe"})
        focus: Any = (f"{kind}.focus", {"side": "left", "sticky": "w", "children": [label]})
        padding: Any = (
            f"{kind}.padding", {"sticky": "nswe", "children": [(name, {"side": "left"}), focus]},
        )  # fmt: skip
        style.layout(f"T{kind}", [padding])
        style.configure(f"T{kind}", padding=theme.hair, focuscolor=theme.accent)
        style.map(f"T{kind}", background=[("active", theme.background)])
    return kept
