"""`python -m local_stack up | down | status | logs | token | env | clean`."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable

from common.edges.clock import system_clock
from local_stack.compose import ComposeServers
from local_stack.engine import uses_images
from local_stack.errors import StackError
from local_stack.layout import HOME, ROOT
from local_stack.ports import LOOPBACK
from local_stack.report import Report
from local_stack.stack import Stack

DEFAULT_SCOPES = "timeline:read routing:read routing:supervise"
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def up(arguments: argparse.Namespace) -> None:
    """Bring the stack up, or what of it is not up."""
    stack, report = Stack(), Report()
    with stack.alone(report):
        if arguments.only == "servers":
            stack.start_servers(report)
        else:
            stack.start(report)
    report.show(addresses(stack))


def down(_: argparse.Namespace) -> None:
    """End what `up` started."""
    stack, report = Stack(), Report()
    with stack.alone(report):
        stack.stop(report)
    report.say("stack", "is down; its data stays (make clean deletes it)")


def clean(_: argparse.Namespace) -> None:
    """End what `up` started and delete its data and what was built."""
    stack, report = Stack(), Report()
    with stack.alone(report):
        stack.destroy(report)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    report.say("stack", "is gone, its data, .local and build are deleted")


def status(_: argparse.Namespace) -> None:
    """Print what runs, where, and what it misses."""
    stack, report = Stack(), Report()
    states = stack.servers.states()
    for name, service in stack.services.items():
        known = service.daemon.identity
        where = f"{LOOPBACK}:{service.port}"
        states[name] = (
            f"{where}  pid {known.pid}  {service.missing() or 'ready'}"
            if known
            else states.get(name, "stopped")
        )
    for name, state in states.items():
        report.show(f"{name:<14} {state}")


def logs(arguments: argparse.Namespace) -> None:
    """Follow the logs until Ctrl-C."""
    wanted = [f"{name}.log" for name in arguments.names] or ["*.log"]
    if uses_images():
        stack = Stack()
        containers = ComposeServers(HOME, stack.ports)
        os.execvpe("docker", containers.following(arguments.names), containers.environment)  # noqa: S606 -- likewise
    files = sorted(str(path) for name in wanted for path in (HOME / "logs").glob(name))
    if not files:
        raise StackError(f"there is no log in {HOME / 'logs'}: make up starts the stack.")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606 -- Ctrl-C belongs to tail


def token(arguments: argparse.Namespace) -> None:
    """Print a bearer token."""
    key = Stack().key
    print(
        key.token(
            tenant=arguments.tenant,
            scopes=arguments.scopes.split(),
            subject=arguments.subject,
            now=system_clock(),
        )
    )


def env(_: argparse.Namespace) -> None:
    """Print the services' settings for `eval`, so that their command lines find this stack."""
    for name, value in Stack().environment.items():
        print(f"export {name}={shlex.quote(value)}")


def addresses(stack: Stack) -> str:
    """Return where everything is and how to go on."""
    timeline = f"http://{LOOPBACK}:{stack.ports.services['timeline']}"
    return f"""
  Kafka {LOOPBACK}:{stack.ports.kafka}   PostgreSQL {LOOPBACK}:{stack.ports.postgres}   SMTP {LOOPBACK}:{stack.ports.smtp}
  HTTP  {"  ".join(f"{name} :{service.port}" for name, service in stack.services.items())}

  make demo      one customer writes by email, SMS and LINE, and becomes one history
  make token     a bearer token for tenant acme; then, for example:
                 curl -H "Authorization: Bearer $(make -s token)" '{timeline}/v1/customers?contact=email:taro@example.jp'
  make logs      what everything says    make down      end it
"""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    root = argparse.ArgumentParser(prog="python -m local_stack", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=run.__doc__)
        added.set_defaults(run=run)
        return added

    starting = command(up)
    starting.add_argument("--only", choices=["servers"], help="start Kafka and PostgreSQL alone")
    following = command(logs)
    following.add_argument("names", nargs="*", help="kafka, postgres or services; default: all")
    signing = command(token)
    signing.add_argument("--tenant", default="acme")
    signing.add_argument("--scopes", default=DEFAULT_SCOPES, help="separated by spaces")
    signing.add_argument("--subject", default="local-developer")
    for plain in (down, status, env, clean):
        command(plain)
    return root


def main() -> int:
    """Run one command; a StackError is one sentence for a person, not a stack trace."""
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except StackError as error:
        print(f"local stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was started goes on: make down ends it.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
