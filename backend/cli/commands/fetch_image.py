"""``haoscar fetch-image``: the golden client's file system becomes an image (step 2)."""

import argparse
import os

from backend.actions.fetch_image import fetch_task, site_plan, summary
from backend.cli.app import App, Subparsers
from backend.cli.ssh_options import HOST_KEYS, add_ssh_options, credentials, decision
from backend.imaging.client import known_hosts
from backend.model.requests_image import (
    DEFAULT_IP_ASSIGNMENT,
    DEFAULT_NAME,
    DEFAULT_POST_INSTALL,
    FetchImageRequest,
)
from backend.model.site import IpAssignment, PostInstall
from backend.system.ssh import Credentials, HostKeyDecision, connect

EPILOG = f"""\
A fetch that was cut or cancelled goes on where it stopped when the same command runs again. A second
fetch makes a new version of the image; files that did not change are stored once.

{HOST_KEYS}"""


def register(commands: Subparsers) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fetch-image",
        help="step 2: fetch the image of a golden client, usually this head itself",
        description="Copy a golden client's own file systems into an image, with its disk layout.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--name", default=DEFAULT_NAME, help="the image (default: %(default)s)")
    add("--client", default="", metavar="HOST", help="the golden client (default: this head)")
    add_ssh_options(parser, always=False)
    add(
        "--ip-assignment", default=DEFAULT_IP_ASSIGNMENT.value, metavar="METHOD",
        help=f"{', '.join(IpAssignment)} (default: %(default)s)",
    )  # fmt: skip
    add(
        "--post-install", default=DEFAULT_POST_INSTALL.value, metavar="ACTION",
        help=f"{', '.join(PostInstall)} (default: %(default)s)",
    )  # fmt: skip
    add(
        "--leave-out", action="append", default=[], metavar="PATH",
        help="leave a file or directory out of the image (may be given several times)",
    )  # fmt: skip
    add("--keep", default="", metavar="N", help="keep only the newest N versions (default: all)")
    add(
        "--compare-content", action="store_true",
        help="compare the content of every file with the version before, not only size and time",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, app: App) -> int:
    """Fetch the image and say what it is."""
    request = FetchImageRequest.parse(_fields(args), os.uname().nodename)
    login = None if request.user is None else credentials(args, request.user)
    if login is not None:
        _confirm_host_key(request, login, app, decision(args, app))
    version = app.run_task(fetch_task(app.wiring, request, login))
    facts = version.facts()
    app.out.say(summary(version, facts))
    plan = site_plan(app.wiring, request)
    if plan is not None:
        app.apply(plan)
    app.out.say(f"It lies in {version.directory}. Next: haoscar image show {version.name}")
    app.out.result({"directory": str(version.directory), **facts.as_dict()})
    return 0


def _fields(args: argparse.Namespace) -> dict[str, str]:
    """Return the fields of the request; any option of SSH means SSH, also to this head itself."""
    by_ssh = (
        args.ssh_port or args.identity or args.host_key or args.ask_password
        or args.ask_passphrase or args.ask_sudo_password
    )  # fmt: skip
    return {
        "name": args.name,
        "client": args.client,
        "user": args.ssh_user or ("root" if by_ssh else ""),
        "port": args.ssh_port,
        "ip_assignment": args.ip_assignment,
        "post_install": args.post_install,
        "keep": args.keep,
        "leave_out": "\n".join(args.leave_out),
        "compare_content": "yes" if args.compare_content else "",
    }


def _confirm_host_key(
    request: FetchImageRequest, login: Credentials, app: App, decide: HostKeyDecision
) -> None:
    """Connect once before the task, so that the question does not disturb its progress."""
    connect(request.client, request.port, login, known_hosts(app.paths), decide).close()
