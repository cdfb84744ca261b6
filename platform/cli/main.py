"""`fieldstone`: one group of commands, each in a file of its own that is loaded when it is called.

Here: the table of commands, and what the user sees of a failure. Not here: what a command does.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from fieldstone.errors import FieldstoneError, NotAllowed, NotVisible, Refused, TryAgain

# name → (module, first line of its help). A new command is one line here and one file.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Start the web server, and in the embedded shape everything else with it."),
    "worker": ("worker", "Do the background work of an org with a broker."),
    "scheduler": ("scheduler", "Offer due work and plan periodic work; one leads, others wait."),
    "migrate": ("migrate", "Bring the system tables to this version."),
    "doctor": ("doctor", "Say whether the installation is fit to run."),
    "user": ("user", "Add users, give them passwords, list them."),
    "pack": ("pack", "Check, plan and install packs."),
    "rules": ("rules", "Test expressions against files of cases."),
    "import": ("import_", "Load records from a file."),
    "org": ("org", "Create an org, or change its name."),
}


class Commands(click.Group):
    """Loads a command's file when it is called, so that `fieldstone --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fieldstone.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FieldstoneError as failure:
            click.echo(said(failure), err=True)
            ctx.exit(1)


@click.group(cls=Commands)
def command() -> None:
    """Fieldstone: a CRM whose objects, forms, rules, rights and approvals are metadata."""


def said(failure: FieldstoneError) -> str:
    """Return what a failure means, in words; every problem on its own line."""
    from fieldstone.i18n.texts import text, word

    match failure:
        case Refused():
            return "\n".join(f"{_place(problem)}{word(problem, 'en')}" for problem in failure.problems)
        case NotAllowed():
            return text("failure.403.title", "en") + f" ({failure.right})"
        case NotVisible():
            return text("failure.404.title", "en") + (f": {failure}" if str(failure) else "")
        case TryAgain():
            return text("failure.503.title", "en")
    return str(failure)


def _place(problem: Any) -> str:
    place = "#".join(part for part in (problem.document, problem.pointer) if part) or problem.field
    return f"{place}: " if place else ""


def main() -> None:
    """Run the command line."""
    command.main(prog_name="fieldstone", args=sys.argv[1:])
