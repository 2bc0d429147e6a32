"""``haoscar screenshots``: a picture of every page, light and dark, at 1024x768 and at 200 %."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend.change.plan import InstallPackages, Plan
from backend.cli.app import App
from backend.errors import HaoscarError, InvalidInput
from backend.model.distribution import Family
from backend.packages.installer import distribution_of, package_tool
from backend.system.runner import Command
from backend.system.virtual_display import DEBIAN_PACKAGES, take_picture, virtual_display
from backend.tasks import Progress
from backend.wiring import Wiring
from haoscar_gui.dialogs import Help
from haoscar_gui.log_lines import Lines
from haoscar_gui.log_pane import LogHandler
from haoscar_gui.page_context import PageContext
from haoscar_gui.sample import Story, make_sample
from haoscar_gui.sample_machine import SampleSockets, own_network
from haoscar_gui.sample_views import scene
from haoscar_gui.sample_watch import SERVICE
from haoscar_gui.shell import Options, Shell
from haoscar_gui.slot import Slot
from haoscar_gui.steps import PAGES
from haoscar_gui.views.change import ChangeView
from haoscar_gui.views.progress import ProgressView
from haoscar_gui.views.result import Choices, ResultView
from haoscar_gui.window import check_tk, make_root, size_window
from panels.watch_list import WatchListPanel

SETTLED = 700  # milliseconds that a page is given at least
MOST = 8000  # milliseconds that it is given at most, when it goes on reading
WATCH = WatchListPanel.name
CHAPTERS = {"complete": 1, WATCH: 2, "status": 2, "changes": 2}  # of the sample's story


@dataclass(frozen=True, slots=True)
class Looks:
    """One way to show the window."""

    name: str
    width: int
    height: int
    scale: float
    dark: bool


LOOKS = tuple(
    Looks(f"{'dark' if dark else 'light'}{suffix}", width, height, scale, dark)
    for width, height, scale, suffix in ((1024, 768, 1.0, ""), (2048, 1536, 2.0, "-200"))
    for dark in (False, True)
)


def take(directory: Path, pages: tuple[str, ...], app: App) -> int:
    """Take the pictures, of a made-up head; returns the exit code. Raises HaoscarError.

    Each way to look is a process of its own: Tk ends its process when its display goes away, and
    the head's networks are made where they are no other's.
    """
    check_tk()
    _install_what_is_missing(app)
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise HaoscarError.of(
            "screenshots.directory", f"{directory} cannot be made: {problem.strerror}."
        ) from problem
    chosen = [word for page in pages for word in ("--page", page)]
    python_path = str(Path(__file__).resolve().parents[1])
    for looks in LOOKS:
        app.out.say(f"Pictures: {looks.name}")
        with virtual_display(looks.width, looks.height) as display:
            words = ("screenshots", str(directory), "--looks", looks.name, *chosen)
            command = Command(
                (*alone(), sys.executable, "-P", "-m", "haoscar_gui", *words), timeout=600.0,
                env={"DISPLAY": display, "PYTHONPATH": python_path},
            )  # fmt: skip
            app.runner.run(command)
    files = sorted(directory.glob("*.png"))
    app.out.say(f"{len(files)} pictures are in {directory}.")
    app.out.result({"directory": str(directory), "pictures": [one.name for one in files]})
    return 0


def alone() -> tuple[str, ...]:
    """Return the command that gives a process networks of its own."""
    return ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--")


def take_one(directory: Path, name: str, pages: tuple[str, ...], app: App) -> int:
    """Take the pictures of one way to look, on the display of the environment; see ``alone``."""
    looks = next((one for one in LOOKS if one.name == name), None)
    if looks is None:
        raise InvalidInput.of("screenshots.looks", f"There is no way to look called {name!a}.")
    display = os.environ.get("DISPLAY", "")

    def save(page: str) -> None:
        take_picture(app.runner, display, directory / f"{page}-{looks.name}.png")

    own_network(app.runner)
    with tempfile.TemporaryDirectory(prefix="haoscar-sample-") as root:
        _photograph(make_sample(Path(root)), looks, pages, save)
    return 0


def _install_what_is_missing(app: App) -> None:
    if distribution_of(app.paths).family is not Family.DEBIAN:
        return  # a missing program is named when it is started
    names = tuple(sorted(set(DEBIAN_PACKAGES) - package_tool(app.paths, app.runner).installed()))
    if names:
        step = InstallPackages(names, "a display that nobody sees, and pictures of it")
        app.apply(Plan("Install what pictures of the window need", "", (step,)))


def _photograph(
    wiring: Wiring, looks: Looks, pages: tuple[str, ...], save: Callable[[str], None]
) -> None:
    """Open a window, go through its pages, and save each; raises what went wrong in a page, in one
    of its callbacks, or in saving: a picture of half a page must not pass for one."""
    root = make_root()
    shell = Shell(root, wiring, Options("eth0", looks.dark, looks.scale), LogHandler())
    size_window(root, shell.theme.chars(1), shell.theme.line)
    root.geometry(f"{looks.width}x{looks.height}+0+0")
    SampleSockets(root, wiring.paths).serve()
    photographer = Photographer(shell, Story(wiring), pages, save)
    photographer.begin()
    root.mainloop()
    if photographer.problem is not None:
        raise photographer.problem
    root.destroy()


class Photographer:
    """Goes from page to page in the window's own loop."""

    def __init__(
        self, shell: Shell, story: Story, pages: tuple[str, ...], save: Callable[[str], None]
    ) -> None:
        self._shell, self._story, self._save = shell, story, save
        self._pages = pages
        self._poses = self._all_poses()
        self.problem: BaseException | None = None

    def begin(self) -> None:
        """Start; the loop is left when all is done, or at the first problem."""
        self._shell.root.report_callback_exception = lambda _kind, problem, _trace: self._end(
            problem
        )
        self._shell.root.after_idle(self._next)

    def _end(self, problem: BaseException | None) -> None:
        self.problem = self.problem or problem
        self._shell.worker.cancel_all()
        self._shell.root.quit()

    def _all_poses(self) -> Iterator[tuple[str, Callable[[], object]]]:
        shell = self._shell
        yield "start", lambda: shell.show("")
        for page in PAGES:
            if page.name not in CHAPTERS:
                yield page.name, partial(shell.show, page.name)
        yield "what-will-change", lambda: self._view(self._change)
        yield "progress", lambda: self._view(self._progress)
        yield "result", lambda: self._view(self._result)
        for name in CHAPTERS:
            yield name, partial(self._later, name)
            if name == WATCH:
                for key in ("choose", "history", "test", "edit"):
                    yield f"{WATCH}-{key}", partial(self._service, key)
        yield "help", self._help

    def _next(self) -> None:
        for name, pose in self._poses:
            if self._pages and name not in self._pages:
                continue
            pose()
            self._wait(name, 0)
            return
        self._end(None)

    def _wait(self, name: str, waited: int) -> None:
        """Give the page its time: until nothing is read any more, or long enough."""
        done = waited >= SETTLED and (not self._shell.worker.reading or waited >= MOST)
        if not done:
            self._shell.root.after(100, lambda: self._wait(name, waited + 100))
            return
        self._shell.root.update_idletasks()
        self._save(name)
        self._next()

    def _later(self, page: str) -> None:
        """Show a page as it is further on in the story."""
        self._story.until(CHAPTERS[page])
        self._shell.show(page)

    def _service(self, key: str) -> None:
        """Show a service of the watch list as after a press on a button of the list."""
        self._later(WATCH)

        def press(waited: int) -> None:
            panel = self._shell.slot(WATCH).panel
            known = isinstance(panel, WatchListPanel) and panel.open_service(SERVICE, key)
            if known:
                return
            if waited >= MOST:
                raise HaoscarError.of("screenshots.service", f"The page never showed {SERVICE}.")
            self._shell.root.after(50, lambda: press(waited + 50))  # not read yet

        press(0)

    def _view(self, show: Callable[[Slot], object]) -> None:
        shell = self._shell
        shell.show("collect-macs")
        show(shell.slot("collect-macs"))

    def _change(self, slot: Slot) -> None:
        context = PageContext(self._shell, slot)
        nothing = slot.close_view
        slot.show(lambda parent: ChangeView(parent, context, scene().prepared, nothing, nothing))

    def _progress(self, slot: Slot) -> None:
        lines = Lines()
        view = ProgressView(slot, "Fetch image serverimage", lines, slot.close_view)
        slot.show(lambda _parent: view)
        total = 4.1e9
        view.event(
            Progress("Copying /usr", 0.42 * total, total, "bytes", 9.8e7, 24.0, "/usr/lib/modules")
        )

    def _result(self, slot: Slot) -> None:
        choices = Choices(slot.close_view, undo=slot.close_view)
        outcome = scene().outcome
        slot.show(
            lambda parent: ResultView(
                parent, "Configure the DHCP server", outcome, Lines(), choices
            )
        )

    def _help(self) -> None:
        page = next(one for one in PAGES if one.name == "fetch-image")
        Help(self._shell.root, "Step 2", page.help)
