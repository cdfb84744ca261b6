"""The org's own words in an approval: notify and email steps, rendered for each reader as that reader may see the record.

Here: `notify`, `email`, labels by language. Not here: the platform's notices (`notices.py`), templates (`notify/templates.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fieldstone.errors import FieldstoneError, Problem, Refused
from fieldstone.i18n.languages import LANGUAGES
from fieldstone.i18n.texts import text
from fieldstone.metadata import labels
from fieldstone.metadata.definitions import EmailStep, EmailTemplateDef, NotifyStep
from fieldstone.metadata.definitions.definition import Label
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.notify import inbox, templates
from fieldstone.notify.inbox import Notice
from fieldstone.notify.templates import Reading, Template
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import rights
from fieldstone.records.gate.people import load
from fieldstone.records.gate.sharing import reader
from fieldstone.records.shown import Style, field_at, plain_text
from fieldstone.rules import Context
from fieldstone.workflow.approvals.conditions import bare
from fieldstone.workflow.approvals.directory import Colleague, zone_of
from fieldstone.workflow.approvals.notices import About

if TYPE_CHECKING:
    from fieldstone.workflow.approvals.run import Desk


def words(snapshot: Snapshot, label: Label, name: str) -> dict[str, str]:
    """Return a label in every language of the platform."""
    return {language: labels.text(label, language, snapshot.language, name) for language in LANGUAGES}


def unnamed() -> dict[str, str]:
    """Return, by language, what a record without a name is called, and one whose name its reader may not know."""
    return {language: text("record.unnamed", language) for language in LANGUAGES}


def notify(desk: Desk, about: About, step: NotifyStep, told: Iterable[Colleague]) -> None:
    """Put the step's text into people's inboxes, each as its reader may see the record."""
    for person in told:
        source = labels.text(step.text, person.language, desk.snapshot.language)
        made = templates.template(desk.snapshot, about.object, source)
        filled = templates.one_line(templates.fill(made, _reading(desk, about, person, [made])))
        notice = Notice(kind="text", params={"text": filled}, object=about.object, record=about.record, link=about.link)
        inbox.put(desk.tx, [person.id], notice)


def email(desk: Desk, about: About, step: EmailStep, told: Iterable[Colleague]) -> None:
    """Mail the step's template to people, each in their language and as they may see the record."""
    template = desk.snapshot.find("email_template", step.template)
    if not isinstance(template, EmailTemplateDef):
        raise Refused(Problem(code="rule_fault", params={"place": step.id, "category": "no_template"}))
    for person in told:
        texts = [labels.text(part, person.language, desk.snapshot.language) for part in (template.subject, template.body)]
        subject, body = (templates.template(desk.snapshot, about.object, source) for source in texts)
        reading = _reading(desk, about, person, [subject, body])
        as_html = template.format == "html"
        filled = templates.fill(body, reading, as_html=as_html)
        desk.notices.send(
            desk.tx,
            person,
            subject=templates.fill(subject, reading),
            body=plain_text(filled) if as_html else filled,
            markup=filled if as_html else None,
            about=f"approval:{about.instance}",
        )


def _reading(desk: Desk, about: About, person: Colleague, made: Iterable[Template]) -> Reading:
    """What one reader may see of the record. Somebody who sees nothing of it gets the text with blanks."""
    asking = reader(desk.snapshot, load(desk.tx.connection, person.id))
    zone = zone_of(person)
    gate = Gate(desk.tx, asking, desk.gate.cursors)
    values = _readable(gate, about, {".".join(path) for each in made for path in each.reads})
    fields = _readable(gate, about, {name for each in made for name in each.fields})
    definition = desk.snapshot.object(about.object)
    now = desk.tx.now.replace(microsecond=0)
    context = Context(
        now=now,
        today=now.astimezone(zone).date(),
        zone=zone,
        globals={**asking.principal.globals(), **rights(desk.snapshot, asking.principal).globals},
    )
    return Reading(
        values={path: bare(value) for path, value in values.items()},
        context=context,
        style=Style(language=person.language, default_language=desk.snapshot.language, zone=zone, currency=desk.notices.currency),
        fields={name: (found[1], value) for name, value in fields.items() if (found := field_at(desk.snapshot, definition, name))},
    )


def _readable(gate: Gate, about: About, paths: Iterable[str]) -> dict[str, Any]:
    """Those of `paths` that the reader may see, one by one: one hidden field must not hide the others."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        try:
            record = gate.get(about.object, about.record, select=(path,))
        except FieldstoneError:
            continue
        found[path] = next((value for name, value in record.items() if name.lower() == path.lower()), None)
    return found
