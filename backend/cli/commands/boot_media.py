"""``haoscar boot-media``: a floppy or USB stick for machines whose network card cannot boot."""

import argparse
from pathlib import Path

from backend.actions.boot_media import MediumKind, builder, writer
from backend.amounts import size
from backend.cli.app import App, Subparsers
from backend.errors import Cancelled, Refused
from backend.netboot.media import Medium
from backend.netboot.media_device import Device, problems, read_device
from backend.reports import info


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "boot-media",
        help="step 4: make a boot floppy or USB stick",
        description="Make boot media for machines whose network card cannot boot. The floppy "
        "(1.44 MB, BIOS) asks DHCP and then this head; the USB image (also a CD; BIOS and UEFI) "
        "carries the installer. Both install only a machine that has a ticket.",
    )
    parser.add_argument("kind", choices=[one.value for one in MediumKind], help="what to make")
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
    medium = app.run_task(builder(app.wiring, MediumKind(args.kind), args.out.absolute()))
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


def _write(app: App, medium: Medium, device: Device, *, internal: bool) -> None:
    task = writer(app.wiring, medium, device, internal=internal)
    app.out.say(f"{device.description} carries:")
    for content in device.contents:
        app.out.say(f"  {content}")
    if not app.confirm(f"Everything on {device.description} will be lost. Write to it?"):
        raise Cancelled(info("media.declined", f"Nothing was written to {device.path}."))
    app.run_task(task)
    app.out.say(f"{device.path} was written and read back without a difference.")
