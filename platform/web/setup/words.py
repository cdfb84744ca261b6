"""What Setup calls the options of definitions, and the names that its templates use.

Here: words by option, and their installation. Not here: the words of problems and plans (`i18n`).
"""

from __future__ import annotations

from collections.abc import Iterable

from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.globals_of_templates import label, text_of
from fieldstone.web.setup import bp
from fieldstone.web.setup.field_documents import ValueRow
from fieldstone.web.setup.typed import base_version, came_back
from fieldstone.web.setup.where_used import kind_words

DEFAULTS = {  # an expression by the type of field that takes it
    **dict.fromkeys(("text", "text_area", "long_text"), '="Entered " & TEXT(TODAY())'),
    **dict.fromkeys(("number", "currency", "percent"), "=YEAR(TODAY())"),
    "date": "=TODAY() + 30", "datetime": "=NOW() + 7", "user": "=$User.Id", "email": "=$User.Email",
}  # fmt: skip


@bp.record
def _install(state: BlueprintSetupState) -> None:
    """Give Setup's templates their words."""
    state.app.jinja_env.globals.update(
        access_words=access_words, options_of=options, kind_words=kind_words, live_words=live_words, hue_names=colors,
        value_choices=value_choices, controller_choices=controller_choices, example_formula=example_formula, example_rule=example_rule,
        default_hint=default_hint,
        came_back=came_back, base_version=base_version,
    )  # fmt: skip


def access_words(access: str) -> str:
    """Return what a default access is called."""
    words: dict[str, str] = {
        "private": _("Private"), "read": _("Everybody reads"), "read_write": _("Everybody edits"), "by_parent": _("As its parent"),
    }  # fmt: skip
    return words.get(access, access)


def options(definitions: Iterable[Definition]) -> list[tuple[str, str]]:
    """Return definitions as choices: path and label."""
    return [(each.path, label(each)) for each in definitions]


def live_words(reason: str | None) -> str:
    """Return why a formula or roll-up is worked out whenever it is shown."""
    words: dict[str, str] = {
        "parent": _("It reads a field of another record, whose save must not rewrite this one"),
        "clock": _("It reads today's date or the time"),
        "user": _("It differs from person to person"),
        "live_field": _("It reads a field that is worked out itself"),
    }
    return words.get(reason or "") or str(_("It reads what changes without the record being saved"))


def colors() -> list[tuple[str, str]]:
    """Return the hues an admin may pick, with their names."""
    return [
        ("blue", _("Blue")), ("violet", _("Violet")), ("pink", _("Pink")), ("red", _("Red")), ("orange", _("Orange")),
        ("amber", _("Amber")), ("yellow", _("Yellow")), ("green", _("Green")), ("emerald", _("Emerald")), ("teal", _("Teal")),
        ("cyan", _("Cyan")), ("sky", _("Sky")), ("gray", _("Grey")),
    ]  # fmt: skip


def value_choices(rows: Iterable[ValueRow]) -> list[tuple[str, str]]:
    """Return the rows of picklist values as choices."""
    return [(row.name, text_of(row.label) or row.name) for row in rows]


def controller_choices(field: FieldDef) -> list[tuple[str, str]]:
    """Return the values of the field that a dependent picklist depends on."""
    if field.type == "checkbox":
        return [("true", _("Ticked")), ("false", _("Not ticked"))]
    return [(each.name, label(each)) for each in field.values]


def example_formula(definition: ObjectDef) -> str:
    """Return a formula over a number of the object, to show how one is written."""
    number = _number(definition)
    return f"IF({number} > 1000, {number} * 0.1, 0)" if number else 'IF(created_at > NOW() - 7, "new", "known")'


def example_rule(definition: ObjectDef) -> str:
    """Return a condition over a picklist and a number of the object, as far as it has them."""
    number = _number(definition)
    choice = next((each for each in definition.fields.values() if each.type == "picklist" and each.values), None)
    blank = f"ISBLANK({number})" if number else f"ISBLANK({definition.name_field})"
    return f'AND({choice.name} = "{choice.values[-1].name}", {blank})' if choice else blank


def default_hint(type_: str) -> str:
    """Return what may stand as the default of a field of the type, with an expression that it takes."""
    example = DEFAULTS.get(type_)
    if example is None:
        return str(_("For new records. A value, or = and an expression"))
    return str(_("For new records. A value, or = and an expression such as %(example)s", example=example))


def _number(definition: ObjectDef) -> str | None:
    """Return a field with an amount, or another typed number, that everybody knows the object by."""
    for type_ in ("currency", "number"):
        for each in definition.fields.values():
            if each.type == type_:
                return each.name
    return None
