"""Step 2: "Fetch a System Installation Suite Image", with the catalogue of what was fetched."""

from collections.abc import Callable
from tkinter import ttk
from typing import ClassVar

from backend.actions import fetch_image
from backend.actions.action import Outcome
from backend.actions.fetch_image import Fetched, FetchGoldenClient, Ground
from backend.errors import HaoscarError, InvalidInput
from backend.model.requests_image import DEFAULT_NAME, FetchImageRequest
from backend.model.site import IpAssignment, PostInstall
from backend.reports import Report, info
from panels.base import Panel
from panels.fetch_image_texts import FIELD_HELP, HELP, INTRO
from panels.image_catalogue import ImageCatalogue
from panels.widgets import names
from panels.widgets.buttons import ButtonRow
from panels.widgets.form import Field, Form

# The original's defaults; the client's is this head's own name, known only when it was asked for.
DEFAULTS = {
    "name": DEFAULT_NAME, "client": "", "user": "",
    "ip_assignment": IpAssignment.STATIC.value, "post_install": PostInstall.BEEP.value,
}  # fmt: skip
FIELDS = (
    Field("name", "Image Name", help=FIELD_HELP["name"], default=DEFAULTS["name"]),
    Field("client", "Client Name", help=FIELD_HELP["client"]),
    Field("user", "SSH User Name", help=FIELD_HELP["user"],
          hint="Empty: no SSH for this head itself, root for another machine."),
    Field("ip_assignment", "IP Assignment Method", "choice", tuple(IpAssignment),
          help=FIELD_HELP["ip_assignment"], default=DEFAULTS["ip_assignment"]),
    Field("post_install", "Post Install Action", "choice", tuple(PostInstall),
          help=FIELD_HELP["post_install"], default=DEFAULTS["post_install"]),
)  # fmt: skip


class FetchImagePanel(Panel):
    """Five fields into a request; below them the images that are there."""

    name: ClassVar[str] = "fetch-image"
    title: ClassVar[str] = "Fetch a System Installation Suite Image"
    help: ClassVar[str] = HELP

    def build(self, parent: ttk.Frame) -> None:
        """See Panel.build."""
        theme = self.context.theme
        self._ground: Ground | None = None
        parent.columnconfigure(0, weight=1)
        parent.rowconfigure(3, weight=1)
        intro = ttk.Label(parent, text=INTRO, style="Muted.TLabel")
        intro.grid(sticky="w", pady=(0, theme.half))
        self._form = Form(parent, self.context, FIELDS)
        self._form.grid(sticky="ew")
        self._form.on_leave(self._check)
        self._form.on_change(self._changed)
        row = ButtonRow(parent)
        row.grid(sticky="ew", pady=(theme.half, theme.line))
        for key, widget in (
            ("reset", row.add("Reset", self.reset, tip="Put the defaults back (Ctrl-R).")),
            ("fetch", row.add("Fetch Image", self.main_action, main=True)),
            ("close", row.add("Close", self.context.close, tip="Ctrl-Q", right=True)),
        ):
            names.name(widget, f"{self.name}.{key}")
        self._catalogue = ImageCatalogue(parent, self.context, self._images_changed)
        self._catalogue.grid(sticky="nsew")

    def activate(self) -> None:
        """See Panel.activate."""
        self._look(lambda: None)
        self._catalogue.look()

    def reset(self) -> None:
        """See Panel.reset."""
        self._form.reset()
        self._form.clear()
        self._propose()

    def main_action(self) -> None:
        """Fetch, after what will change has been shown."""
        if self._ground is None:
            self._look(self._fetch)
        else:
            self._fetch()

    def _look(self, then: Callable[[], None]) -> None:
        wiring = self.context.wiring

        def done(ground: Ground) -> None:
            self._ground = ground
            self._propose()
            then()

        self.context.look(lambda _context: fetch_image.look(wiring), done)

    def _fetch(self) -> None:
        try:
            request = self._request()
        except InvalidInput as problem:
            self._show(problem)
            return
        self._form.clear()
        self._hint()
        action = FetchGoldenClient(self.context.wiring, request)
        self.context.carry_out(action, self._fetched, self._not_fetched, then="add-standby")

    def _request(self) -> FetchImageRequest:
        """Return what the fields say; raises InvalidInput."""
        assert self._ground is not None
        return FetchImageRequest.parse(self._form.values(), self._ground.own_name)

    def _fetched(self, _fetched: Fetched, _outcome: Outcome) -> None:
        self._images_changed()

    def _not_fetched(self, problem: HaoscarError) -> None:
        """Look what is there now, such as a copy that was cut short; then say what was wrong."""
        self._look(lambda: self._show(problem))
        self._catalogue.look()

    def _show(self, problem: HaoscarError) -> None:
        """Put what is wrong under its field; the window says what belongs to none."""
        self._form.show(problem.reports)
        if not any(one.place and one.place.field == "name" for one in problem.reports):
            self._hint()

    def _images_changed(self) -> None:
        self.context.changed()
        self.activate()

    def _propose(self) -> None:
        """Put in what the site file remembers of this image, or the defaults; nothing typed is lost."""
        ground = self._ground
        if ground is None:
            return
        values = self._form.values()
        source = ground.sources.get(values["name"])
        wanted = DEFAULTS | {"name": values["name"], "client": ground.own_name}
        if source is not None:
            wanted |= {
                "client": source.client, "user": source.user or "",
                "ip_assignment": source.ip_assignment.value,
                "post_install": source.post_install.value,
            }  # fmt: skip
        for key, value in wanted.items():
            if values[key] != value:
                self._form.set(key, value, proposed=True)
        self._hint()

    def _changed(self, key: str) -> None:
        if key == "name":
            self._hint()

    def _check(self, key: str) -> None:
        """Say what is wrong with a field that is left; what it is right with needs no words."""
        if self._ground is None:
            return
        if key == "name":
            self._propose()
        reports: tuple[Report, ...] = ()
        try:
            self._request()
        except InvalidInput as problem:
            reports = tuple(one for one in problem.reports if one.place and one.place.field == key)
        if reports or key != "name":
            self._form.show_at(key, reports)

    def _hint(self) -> None:
        """Say under the name what a fetch would make: a new image, or a new version of one."""
        if self._ground is None:
            return
        text = self._ground.hint(self._form.values()["name"])
        self._form.show_at("name", [info("fetch.version", text)] if text else [])
