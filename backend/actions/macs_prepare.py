"""Network boot for an assignment: what is missing of it, and made ahead while nobody waits for it."""

import contextlib
import threading
from collections.abc import Iterator

from backend.actions.network_boot import PlanNetworkBoot, is_set_up
from backend.change.plan import Step
from backend.errors import Cancelled, HaoscarError, Refused
from backend.imaging.catalog import Catalog
from backend.model.site import Site
from backend.netboot.server import tell_boot_server
from backend.paths import Paths
from backend.tasks import TaskContext
from backend.wiring import Wiring

_making = threading.Lock()  # the installer image is built in one place, by one at a time


def missing_steps(wiring: Wiring, site: Site, context: TaskContext) -> tuple[Step, ...]:
    """Return the steps that set network boot up, none when it works already.

    Raises HaoscarError when it cannot be set up, Cancelled.
    """
    if is_set_up(wiring.paths) and _answers(wiring.paths):
        return ()
    with _alone(context):
        return tuple(PlanNetworkBoot(wiring, site).run(context).plan.steps)


def prepare_ahead(wiring: Wiring, context: TaskContext) -> None:
    """Make what a first assignment would wait for, above all the installer image (some 25 s).

    A ROM asks for 15 to 60 s only. Nothing outside HA-OSCAR's own directories changes; what stands
    in the way is said by the assignment itself. Raises Cancelled.
    """
    try:
        site = wiring.store().load()
        images = Catalog(wiring.paths).names()
        waiting = any(one.mac is None and one.image in images for one in site.standbys)
        if waiting and not is_set_up(wiring.paths):
            with _alone(context):
                PlanNetworkBoot(wiring, site).run(context)
    except Cancelled:
        raise
    except HaoscarError:
        return


@contextlib.contextmanager
def _alone(context: TaskContext) -> Iterator[None]:
    while not _making.acquire(timeout=0.2):
        context.step("Waiting for the installer image, which is being built")
    try:
        yield
    finally:
        _making.release()


def _answers(paths: Paths) -> bool:
    """Tell whether the boot server runs."""
    try:
        tell_boot_server(paths)
    except Refused:
        return False
    return True
