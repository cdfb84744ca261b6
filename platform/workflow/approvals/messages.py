"""The org's own words in an approval: notify and email steps, rendered for each reader as that reader may see the record.

Here: `notify`, `email`, labels by language. Not here: the platform's notices (`notices.py`), templates (`notify/templates.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fieldstone.errors import FieldstoneError, Problem, Refused
from fieldstone.i18n.languages import LANGUAGES
from fieldstone.metadata import labels
from fieldstone.metadata.definitions import EmailStep, EmailTemplateDef, FieldDef, NotifyStep
from fieldstone.metadata.definitions.definition import Label
from fieldstone.metadata.snapshot import Snapshot
from fieldstone.notify import inbox, templates
from fieldstone.notify.inbox import Notice
from fieldstone.notify.templates import Reading, Template
from fieldstone.records.gate import Gate
from fieldstone.records.gate.access import rights
from fieldstone.records.gate.people import load
from fieldstone.records.gate.sharing import reader
from fieldstone.rules import Context
from fieldstone.workflow.approvals.conditions import bare
from fieldstone.workflow.approvals.directory import Colleague, zone_of
from fieldstone.workflow.approvals.notices import About

if TYPE_CHECKING:
    from fieldstone.workflow.approvals.run import Desk


def words(snapshot: Snapshot, label: Label, name: str) -> dict[str, str]:
    """Return a label in every language of the platform."""
    return {language: labels.text(label, language, snapshot.language, name) for language in LANGUAGES}


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
            body=templates.plain_text(filled) if as_html else filled,
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
        language=person.language,
        zone=zone,
        fields={name: (found, value) for name, value in fields.items() if (found := _field(desk.snapshot, about.object, name)) is not None},
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


def _field(snapshot: Snapshot, object_name: str, path: str) -> FieldDef | None:
    """The field at the end of a path."""
    *hops, last = path.split(".")
    definition = snapshot.object(object_name)
    for hop in hops:
        through = definition.field(hop)
        if through is None or through.to is None:
            return None
        definition = snapshot.object(through.to)
    return definition.field(last)
