"""What Setup calls the options of definitions, and the names that its templates use.

Here: words by option, and their installation. Not here: the words of problems and plans (`i18n`).
"""

from __future__ import annotations

from collections.abc import Iterable

from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.web.globals_of_templates import label
from fieldstone.web.setup import bp
from fieldstone.web.setup.where_used import kind_words


@bp.record
def _install(state: BlueprintSetupState) -> None:
    """Give Setup's templates their words."""
    state.app.jinja_env.globals.update(access_words=access_words, options_of=options, kind_words=kind_words)


def access_words(access: str) -> str:
    """Return what a default access is called."""
    return {
        "private": _("Private"), "read": _("Everybody reads"), "read_write": _("Everybody edits"), "by_parent": _("As its parent"),
    }.get(access, access)  # fmt: skip


def options(definitions: Iterable[Definition]) -> list[tuple[str, str]]:
    """Return definitions as choices: path and label."""
    return [(each.path, label(each)) for each in definitions]
