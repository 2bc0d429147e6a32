"""``haoscar boot-media``: a floppy or USB stick for machines whose network card cannot boot."""

import argparse
from pathlib import Path

from backend.cli.app import App, Subparsers
from backend.cli.output import size
from backend.clone.keys import ensure_host_key
from backend.errors import Cancelled, Refused
from backend.netboot.media import BuildFloppy, BuildUsb, Medium
from backend.netboot.media_device import (
    Confirmation,
    Device,
    WriteMedium,
    problems,
    read_device,
)
from backend.reports import info

KINDS = ("floppy", "usb")


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "boot-media",
        help="step 4: make a boot floppy or USB stick",
        description="Make boot media for machines whose network card cannot boot. The floppy "
        "(1.44 MB, BIOS) asks DHCP and then this head; the USB image (also a CD; BIOS and UEFI) "
        "carries the installer. Both install only a machine that has a ticket.",
    )
    parser.add_argument("kind", choices=KINDS, help="what to make")
    parser.add_argument("out", type=Path, metavar="OUT", help="the image file to write")
    parser.add_argument("--device", type=Path, help="write it to this device too, such as /dev/sdb")
    parser.add_argument(
        "--internal", action="store_true", help="the device may be a built-in disk of this machine"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Make the image; with --device show what is on the device, ask, write and compare."""
    device = None if args.device is None else read_device(app.runner, args.device)
    if device is not None and (found := problems(device, 0, internal=args.internal)):
        raise Refused(*found)  # before the work, not after it
    medium = _build(args, app)
    app.out.say(
        f"{medium.path} is ready: {size(medium.size)}, starts under {' and '.join(medium.starts)}."
    )
    if device is not None:
        _write(app, medium, device, internal=args.internal)
    app.out.result(
        {
            "image": str(medium.path),
            "size": medium.size,
            "starts": list(medium.starts),
            "device": None if device is None else str(device.path),
        }
    )
    return 0


def _build(args: argparse.Namespace, app: App) -> Medium:
    out = args.out.absolute()
    if args.kind == "floppy":
        return app.run_task(BuildFloppy(app.paths, app.runner, out))
    site = app.wiring.store().load()
    key = ensure_host_key(app.paths, app.runner)
    return app.run_task(BuildUsb(app.paths, app.runner, out, site.primary.private_address, key))


def _write(app: App, medium: Medium, device: Device, *, internal: bool) -> None:
    found = problems(device, medium.size, internal=internal)
    if found:
        raise Refused(*found)
    app.out.say(f"{device.description} carries:")
    for content in device.contents:
        app.out.say(f"  {content}")
    if not app.confirm(f"Everything on {device.description} will be lost. Write to it?"):
        raise Cancelled(info("media.declined", f"Nothing was written to {device.path}."))
    confirmation = Confirmation(device.identity)
    app.run_task(WriteMedium(app.runner, medium.path, device, confirmation, internal))
    app.out.say(f"{device.path} was written and read back without a difference.")
