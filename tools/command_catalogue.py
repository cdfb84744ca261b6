"""Write docs/reference/commands.md from the commands themselves: `python -m tools.command_catalogue`."""

from __future__ import annotations

from pathlib import Path

import click

from fieldstone.cli.main import COMMANDS
from fieldstone.cli.main import command as fieldstone

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "commands.md"
HEAD = """# Commands

`fieldstone COMMAND`, made from the commands by `tools/command_catalogue.py`. `fieldstone COMMAND --help` says the same. A command ends
with 0 when all is well, with 1 when it was refused, and then says on standard error what is wrong; with 2 for a wrong call.

Options win over [environment variables](../settings.md), which win over the defaults.
"""


def told(name: str, command: click.Command, level: str) -> str:
    """Return one command: what it does, its arguments and options, the commands below it."""
    context = click.Context(command, info_name=name)
    about = " ".join((command.help or "").split())
    pieces = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    text = f"\n{level} {name}\n\n```sh\n{f'{name} {pieces}'.strip()}\n```\n\n{about}\n"
    records = (each.get_help_record(context) for each in command.get_params(context))
    options = [record for record in records if record is not None and record[1] and record[0] != "--help"]
    if options:
        text += "\n| option | meaning |\n| --- | --- |\n"
        text += "".join(f"| `{written.replace('|', '/')}` | {' '.join(meaning.split())} |\n" for written, meaning in options)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            text += told(f"{name} {below}", found, level + "#")
    return text


def page() -> str:
    """Return the text of the page."""
    context = click.Context(fieldstone)
    text = HEAD
    for name in COMMANDS:
        found = fieldstone.get_command(context, name)
        assert found is not None
        text += told(f"fieldstone {name}", found, "##")
    return text


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
