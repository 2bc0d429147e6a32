"""What to do when an installation fails, stands still, or waits for a hand. Pure."""

from dataclasses import dataclass

from backend.amounts import duration
from backend.model.addresses import Mac
from backend.model.site import PostInstall
from backend.reports import Report, error, info, warning


@dataclass(frozen=True, slots=True)
class Situation:
    """Where an installation stands; ``step`` is a key of install_progress.STEPS or ""."""

    name: str
    mac: Mac
    step: str
    title: str  # of the step
    quiet: float = 0.0  # seconds since anything was heard
    failed: bool = False
    busy: bool = True
    reason: str = ""  # of the failure, as the machine or this head put it
    post_install: PostInstall = PostInstall.REBOOT
    elsewhere: bool = False  # it started an operating system instead


AGAIN = "Then press Install again, and let it boot from the network once more."
_AFTER_FAILURE = {
    "": "Look at its screen. " + AGAIN,
    "start": "Look at its screen, and at the network cable of the card it boots from. " + AGAIN,
    "admit": "Correct what it names. " + AGAIN,
    "disk": "Correct what it names, or put another disk in. " + AGAIN,
    "copy": "Look at the network between the heads and at the disk of the new one. " + AGAIN,
    "verify": "Verify the image in step 2: when it is sound, the new machine's memory or disk is "
    "not. " + AGAIN,
    "identity": "Read its last words below. " + AGAIN,
    "bootloader": "Read its last words below. " + AGAIN,
    "restart": "Look at its screen: its own disk must come next after the network in its boot "
    "order. " + AGAIN,
}
_NEVER_HEARD = (
    "Is it on, its cable on the private network, and network boot first in its firmware? When its "
    "card cannot boot: build a floppy or a stick."
)
_NOT_ANSWERED = (
    "It was not answered: press Configure DHCP Server beside the MAC addresses; does another "
    "DHCP server answer on this network?"
)
_NOT_BACK = (
    "It has not reported from its own disk. Look at its screen: the disk must come next after the "
    "network in its boot order, and a boot floppy or stick must be out."
)
# Seconds of silence that are still usual, and what may be wrong when it lasts longer.
_PATIENCE: dict[str, tuple[float, str]] = {
    "": (120.0, _NEVER_HEARD),
    "asked": (30.0, _NOT_ANSWERED),
    "loader": (60.0, "Look at its screen: the boot loader says what it misses."),
    "kernel": (90.0, "Look at its screen: it may not start this kernel."),
    "start": (60.0, "Look at its screen: the installer says what it waits for."),
    "admit": (90.0, "Look at its screen: the installer says what it waits for."),
    "disk": (180.0, "Its disk answers slowly or not at all. Look at its screen."),
    "copy": (45.0, "Nothing arrives any more. Look at the network between the heads."),
    "verify": (1800.0, "Its disk answers slowly or not at all. Look at its screen."),
    "identity": (300.0, "Look at its screen."),
    "bootloader": (600.0, "Look at its screen."),
    "restart": (300.0, _NOT_BACK),
}
_BY_HAND = {
    PostInstall.BEEP: "It beeps until somebody comes: switch it off and on.",
    PostInstall.NONE: "It waits: switch it off and on.",
    PostInstall.SHELL: 'It offers a shell on its screen: type "exit" there, or switch it off and on.',
    PostInstall.SHUTDOWN: "It has switched itself off: switch it on.",
    PostInstall.POWEROFF: "It has switched itself off: switch it on.",
}


def advice_on(situation: Situation) -> Report | None:
    """Return what a person should know and do now, or None while all goes well."""
    one = situation
    if one.failed:
        remedy = _AFTER_FAILURE.get(one.step, _AFTER_FAILURE[""])
        return error("install.failed", _sentence(one.reason or "It did not say why"), remedy)
    if not one.busy:
        return None
    if one.elsewhere:
        return warning(
            "install.elsewhere",
            f"{one.name} has started another system instead of booting from the network.",
            "Put network boot first in its firmware's boot order, then start it again.",
        )
    if one.step == "restart" and one.post_install in _BY_HAND:
        return info("install.by-hand", f"{one.name} is installed.", _BY_HAND[one.post_install])
    patience, remedy = _PATIENCE.get(one.step, (float("inf"), ""))
    if one.quiet < patience:
        return None
    silence = duration(one.quiet - one.quiet % 10)
    what = f"at: {one.title}" if one.title else f"from {one.mac}"
    return warning("install.quiet", f"Nothing has been heard for {silence} {what}.", remedy)


def _sentence(text: str) -> str:
    """Return what a machine said as a sentence: its installer writes for a log."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
