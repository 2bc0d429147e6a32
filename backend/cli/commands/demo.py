"""haoscar demo: the whole job in the virtual cluster, with a report; or the wizard there, to click."""

import argparse
import os
from pathlib import Path

from backend.amounts import duration
from backend.cli import report_directory
from backend.cli.app import App, Subparsers
from backend.errors import InvalidInput
from backend.lab.report import DemoReport
from backend.model.site import Firmware

REPORT = Path("haoscar-demo")


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="show the whole job in a virtual cluster on this machine",
        description="Build a virtual cluster (a head, two compute nodes, a client: Debian systems in network namespaces; "
        "a blank machine in QEMU), fetch the head's image, define a standby, hear the blank machine on the wire, let it "
        "clone itself, prove the clone, install the agents, and cut the power of the primary. Nothing of this machine is touched apart from packages that are missing, and "
        "nothing is left behind. Ends with a report: report.html and report.json.",
    )
    parser.add_argument(
        "--firmware", choices=[one.value for one in Firmware], default=None,
        help="of the blank machine (default: bios; uefi with --boot usb)",
    )  # fmt: skip
    parser.add_argument(
        "--boot", choices=("pxe", "floppy", "usb"), default="pxe",
        help="what the blank machine starts from; with floppy and usb its network card has no boot ROM",
    )  # fmt: skip
    parser.add_argument(
        "--keep", action="store_true", help="leave the virtual cluster running afterwards"
    )
    parser.add_argument(
        "--wizard", action="store_true",
        help="open the wizard of that cluster's head on this display, for you to click through; no report",
    )  # fmt: skip
    parser.add_argument(
        "--report",
        type=Path,
        default=REPORT,
        metavar="DIR",
        help="where the report goes (default: ./%(default)s)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Run the demo and write its report."""
    from backend.lab.demo import Demo, DemoOptions  # the lab is heavy, and only needed here

    if args.wizard:
        return _run_wizard(args, app)
    report_directory.check(args.report)
    chosen = args.firmware or (Firmware.UEFI if args.boot == "usb" else Firmware.BIOS)
    demo = Demo(DemoOptions(Firmware(chosen), args.boot, args.keep), app.paths)
    report = app.run_task(demo)
    html, data = report.write(args.report.resolve())
    app.out.table(
        ("stage", "took", "seen"),
        [(one.title, f"{one.seconds:.1f} s", one.detail) for one in report.stages],
    )
    app.out.say(_verdict(report))
    app.out.say(f"Report: {html}  {data}")
    if args.keep:
        app.out.say("The virtual cluster is still running: haoscar lab status; haoscar lab down")
    app.out.result(report.as_dict())
    return 0 if report.ok else 1


def _run_wizard(args: argparse.Namespace, app: App) -> int:
    """Show the wizard until it is closed; raises InvalidInput, Refused without a display."""
    from backend.lab.wizard import WizardDemo
    from backend.system.x_display import Display

    if args.boot != "pxe" or args.keep:
        raise InvalidInput.of(
            "demo.wizard-options", "With --wizard the blank machine boots from the network, and nothing is kept.",
            "Leave out --boot and --keep.",
        )  # fmt: skip
    display = Display.of(os.environ)
    app.run_task(WizardDemo(display, Firmware(args.firmware or Firmware.BIOS), app.paths))
    app.out.say("The window was closed. Nothing of the virtual cluster is left.")
    return 0


def _verdict(report: DemoReport) -> str:
    if report.ok and report.clone is not None:
        took = report.takeover
        outage = f" {took.prober} had no answer for {took.outage_ms:.0f} ms." if took else ""
        return (
            f"Passed in {duration(report.seconds)}: {report.clone.hostname} answers SSH at {report.clone.address}, "
            f"{report.clone.power_on_to_ssh_s:.1f} s after power-on; {report.clone.files_compared} files compared, "
            f"every difference explained. It took over when the primary lost its power:{outage}"
        )
    return f"Failed after {duration(report.seconds)}: {report.failure}"
