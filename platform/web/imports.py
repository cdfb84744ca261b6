"""Importing on pages: file, reading, fields, check, run, report; every stage is kept with the job, so that a reload loses nothing.

Here: the views. Not here: the page of fields (`import_forms.py`), what an import does (`data/`).
Source: spec/data.md, section 1.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Row
from werkzeug.datastructures import FileStorage, MultiDict

from fieldstone.data import background, csv_files, error_file, imports, jobs, mapping, near_misses, suggestions, verification
from fieldstone.data.column_formats import DATE_FORMATS, Profile, read_date
from fieldstone.data.jobs import State
from fieldstone.data.mapping import ImportMapping
from fieldstone.db.column_types import is_id
from fieldstone.db.transaction import read, write
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n.texts import word as worded
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web import import_forms
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import date_, label, number, word
from fieldstone.web.import_forms import Sheet
from fieldstone.web.pages import fragment, page, redirect_after
from fieldstone.web.shell import plural, toast

bp = Blueprint("imports", __name__, url_prefix="/imports")

IMPORTER = setup("import")
SAMPLES = 8


# --- which job ----------------------------------------------------------------------------------------------------------------


def _job(job: str) -> Row[Any]:
    """Return the job if it is the person's own. Raises NotVisible in the same words for others' and for none."""
    if not is_id(job):
        raise NotVisible
    with read(current.org.engine) as tx:
        row = jobs.get(tx.connection, job)
    if row.by != current.principal.user_id:
        raise NotVisible
    return row


def _open_job(job: str) -> Row[Any]:
    """Return an own job that was not started yet. Raises Refused when it was."""
    row = _job(job)
    if row.state != State.OPEN.value:
        raise Refused(Problem(code="import_started"))
    return row


def _set(job: str, **values: Any) -> None:
    current.close()
    with write(current.org.engine) as tx:
        if not jobs.change(tx.connection, job, only=(State.OPEN,), **values):
            raise Refused(Problem(code="import_started"))


def _path(row: Row[Any]) -> Path:
    return imports.kept(current.org.settings.files, row.file_hash)


def _sheet(row: Row[Any]) -> Sheet:
    definition, reading = current.object(row.object), csv_files.load(row.reading)
    seen = import_forms.profiles(_path(row), reading)
    return Sheet(
        definition=definition,
        reading=reading,
        profiles=seen,
        dates=row.reading.get("dates", {}),
        suggested=suggestions.suggest(definition, current.rights, seen),
    )


def _import_of(row: Row[Any]) -> imports.Import:
    return imports.opened(current.org.records, current.org.settings.files, row.id, current.principal)


# --- the list, and a new one --------------------------------------------------------------------------------------------------


@bp.get("")
@admit(IMPORTER)
def list_jobs() -> ResponseReturnValue:
    """The person's imports, the newest first."""
    found = jobs.listed(current.transaction.connection, current.principal.user_id)
    return page("import/list.html", found=found, outcomes=jobs.OUTCOMES, object_words=_object_words, state_words=state_words)


def _object_words(name: str) -> str:
    found = current.snapshot.objects.get(name)
    return plural(found) if found is not None and name in current.rights.visible_objects else name


def state_words(state: str) -> str:
    """Return how far a job is, in words."""
    words: dict[str, str] = {
        "open": _("Not started"),
        "queued": _("Waiting"),
        "running": _("Running"),
        "done": _("Done"),
        "failed": _("Stopped by an error"),
        "cancelled": _("Cancelled"),
    }
    return words.get(state, state)


@bp.get("/new")
@admit(IMPORTER)
def new() -> ResponseReturnValue:
    """Choose object and file."""
    return _upload_form({})


def _upload_form(errors: Mapping[str, list[str]], status: int = 200) -> ResponseReturnValue:
    rights = current.rights
    found = [
        (name, plural(each))
        for name, each in sorted(current.snapshot.objects.items(), key=lambda pair: plural(pair[1]))
        if name in rights.visible_objects and (rights.can(name, "create") or rights.can(name, "edit"))
    ]
    chosen = request.values.get("object", "")
    return page("import/new.html", status=status, kinds=found, chosen=chosen, errors=errors)


@bp.post("/new")
@admit(IMPORTER)
def upload() -> ResponseReturnValue:
    """Keep the file and make a job of it; with a mapping from elsewhere, if one was given."""
    errors: dict[str, list[str]] = {}
    file, object_name = request.files.get("file"), request.form.get("object", "")
    if object_name not in current.rights.visible_objects:
        errors["object"] = [_("Choose what the rows of the file are.")]
    if file is None or not file.filename:
        errors["file"] = [_("Choose a file.")]
    if errors or file is None:
        return _upload_form(errors, 422)
    try:
        given = _given_mapping(request.files.get("mapping"), object_name)
    except Refused as refusal:
        return _upload_form({"mapping": [word(problem) for problem in refusal.problems]}, 422)
    try:
        job = _made(file, object_name, given)
    except Refused as refusal:
        return _upload_form({"file": [word(problem) for problem in refusal.problems]}, 422)
    return redirect_after(f"/imports/{job}/file")


def _given_mapping(file: FileStorage | None, object_name: str) -> ImportMapping:
    if file is None or not file.filename:
        return ImportMapping(object=object_name)
    try:
        document = json.loads(file.read().decode("utf-8"))
    except ValueError as error:
        raise Refused(Problem(code="mapping_not_json", params={"file": file.filename, "error": str(error)})) from error
    if not isinstance(document, dict):
        raise Refused(Problem(code="mapping_not_json", params={"file": file.filename, "error": type(document).__name__}))
    found = mapping.load(document)
    if found.object.lower() != object_name.lower():
        raise Refused(Problem(code="mapping_other_object", params={"object": found.object, "other_object": object_name}))
    return found


def _made(file: FileStorage, object_name: str, given: ImportMapping) -> str:
    with tempfile.NamedTemporaryFile(prefix="fieldstone-upload-") as kept:
        file.save(kept)
        kept.flush()
        reading = csv_files.find_reading(Path(kept.name))
        name = imports.keep(current.org.settings.files, Path(kept.name))
    principal, dates = current.principal, {each.column: each.date for each in given.columns if each.column and each.date}
    current.close()
    with write(current.org.engine) as tx:
        return jobs.make(
            tx,
            principal,
            object_name=object_name,
            mapping=mapping.dump(given),
            reading={**csv_files.dump(reading), "dates": dates},
            file={"name": (file.filename or "")[:200], "hash": name},
        )


@bp.get("/<job>")
@admit(IMPORTER)
def show(job: str) -> ResponseReturnValue:
    """Where a job stands: the stage it is at, its progress, or its report."""
    row = _job(job)
    if row.state == State.OPEN.value:
        return redirect_after(f"/imports/{job}/{'check' if jobs.same_mapping(row) else 'map' if row.mapping.get('columns') else 'file'}")
    problem = word(jobs.of_json(row.problem)) if row.problem else None
    found = imports.of_job(current.org.records, job) if State(row.state) in jobs.ENDED else None
    return page(
        "import/report.html",
        block="report",
        job=row,
        definition=current.object(row.object),
        report=found,
        problem=problem,
        counts=_counts(found.counts) if found else [],
        state_words=state_words,
    )


# --- reading ------------------------------------------------------------------------------------------------------------------


@bp.get("/<job>/file")
@admit(IMPORTER)
def reading(job: str) -> ResponseReturnValue:
    """How the file is read, with the first rows as they are understood."""
    row = _open_job(job)
    return _reading_page(row, csv_files.load(row.reading), row.reading.get("dates", {}), {})


@bp.post("/<job>/file/draft")
@admit(IMPORTER)
def reading_draft(job: str) -> ResponseReturnValue:
    """The page with another encoding or delimiter; nothing is kept."""
    row = _open_job(job)
    found, errors = _typed_reading(row)
    return _reading_page(row, found, _typed_dates(found), errors, part=True)


@bp.post("/<job>/file")
@admit(IMPORTER)
def confirm_reading(job: str) -> ResponseReturnValue:
    """Keep how the file is read. Dates that can be read in two ways must have been decided."""
    row = _open_job(job)
    found, errors = _typed_reading(row)
    dates = _typed_dates(found)
    if not errors:
        for index, profile in enumerate(import_forms.profiles(_path(row), found)):
            if profile.date_choices and profile.name not in dates:
                params = {"column": profile.name, "sample": profile.samples[0]}
                errors[f"d.{index}"] = [word(Problem(code="date_order_unclear", params=params))]
    if errors:
        return _reading_page(row, found, dates, errors, 422)
    changed = csv_files.dump(found)["columns"] != row.reading["columns"]
    kept = {"object": row.object, "operation": "create", "columns": []} if changed else row.mapping
    _set(job, reading={**csv_files.dump(found), "dates": dates}, mapping=kept, checked=None)
    return redirect_after(f"/imports/{job}/map")


def _typed_reading(row: Row[Any]) -> tuple[csv_files.Reading, dict[str, list[str]]]:
    delimiter = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}.get(request.form.get("delimiter", ""), "")
    try:
        return csv_files.read_as(_path(row), request.form.get("encoding", ""), delimiter, header="1" in request.form.getlist("header")), {}
    except Refused as refusal:
        return csv_files.load(row.reading), {"encoding": [word(problem) for problem in refusal.problems]}


def _typed_dates(found: csv_files.Reading) -> dict[str, str]:
    return {name: chosen for index, name in enumerate(found.columns) if (chosen := request.form.get(f"d.{index}", ""))}


def _reading_page(
    row: Row[Any],
    found: csv_files.Reading,
    dates: Mapping[str, str],
    errors: Mapping[str, list[str]],
    status: int = 200,
    *,
    part: bool = False,
) -> ResponseReturnValue:
    seen = import_forms.profiles(_path(row), found)
    context: dict[str, Any] = {
        "job": row,
        "definition": current.object(row.object),
        "reading": found,
        "profiles": seen,
        "dates": dates,
        "errors": errors,
        "rows": list(islice(csv_files.rows(_path(row), found), SAMPLES)),
        "encodings": [(name, name.upper()) for name in csv_files.ENCODINGS],
        "date_words": date_words,
        "date_options": lambda profile: [(name, date_words(profile, name)) for name in profile.date_choices],
    }
    if part:
        return fragment("import/file.html", "form", status=status, **context)
    return page("import/file.html", status=status, **context)


def date_words(profile: Profile, name: str) -> str:
    """Return what a date format makes of the first sample: "M/D/Y: 3/4/2026 is 4 March 2026"."""
    sample = profile.samples[0] if profile.samples else ""
    found = read_date(sample, name)
    return _("%(format)s: %(sample)s is %(day)s", format=name, sample=sample, day=date_(found)) if found else name


# --- fields -------------------------------------------------------------------------------------------------------------------


@bp.get("/<job>/map")
@admit(IMPORTER)
def fields(job: str) -> ResponseReturnValue:
    """Which column goes where: as kept, else as suggested."""
    row = _open_job(job)
    sheet = _sheet(row)
    known = mapping.load(row.mapping)
    if not known.columns:
        return _fields_page(row, sheet, import_forms.first_mapping(sheet))
    found, controls = import_forms.of_form(sheet, _as_typed(sheet, known))
    return _fields_page(row, sheet, found, _problems(sheet, found), controls)


def _as_typed(sheet: Sheet, known: ImportMapping) -> MultiDict[str, str]:
    """Return the form of a mapping that was kept, so that it is judged as if it had been typed."""
    form = import_forms.form_of(sheet, known)
    typed: MultiDict[str, str] = MultiDict({"operation": known.operation, "record_type": known.record_type or ""})
    for line in form.columns:
        typed[f"c.{line.index}"] = line.target
        for place, (given, meant, _count) in enumerate(line.values):
            typed[f"v.{line.index}.{place}.from"], typed[f"v.{line.index}.{place}.to"] = given, meant
    for each in form.more:
        for name in ("kind", "text", "date"):
            typed[f"x.{each.index}.{name}"] = getattr(each, name)
        typed[f"x.{each.index}.field"] = each.target
    typed.setlist("found_by", list(known.found_by))
    first = known.columns[0] if known.columns else None
    typed["blank"] = first.blank if first else "ignore"
    typed["round"] = "1" if first and first.round else "0"
    typed["leave_out"] = "1" if known.leave_out_automations else "0"
    return typed


@bp.post("/<job>/map/draft")
@admit(IMPORTER)
def fields_draft(job: str) -> ResponseReturnValue:
    """The form after a field was chosen: its values, and what records can be found by. Nothing is kept."""
    row = _open_job(job)
    sheet = _sheet(row)
    found, controls = import_forms.of_form(sheet, request.form)
    return _fields_page(row, sheet, found, import_forms.doubled(found), controls, part=True)


@bp.post("/<job>/map")
@admit(IMPORTER)
def keep_fields(job: str) -> ResponseReturnValue:
    """Keep the mapping and have it checked."""
    row = _open_job(job)
    sheet = _sheet(row)
    found, controls = import_forms.of_form(sheet, request.form)
    problems = _problems(sheet, found)
    if problems:
        return _fields_page(row, sheet, found, problems, controls, status=422)
    _set(job, mapping=mapping.dump(found))
    return _checked_again(job)


def _problems(sheet: Sheet, found: ImportMapping) -> list[Problem]:
    problems = import_forms.doubled(found)
    if not found.columns:
        problems.append(Problem(code="import_nothing_mapped", pointer="/found_by"))
    return problems + list(mapping.check(found, sheet.definition, current.rights, sheet.reading.columns))


def _checked_again(job: str) -> ResponseReturnValue:
    principal, org = current.principal, current.org
    current.close()
    background.check(org.records, org.outbox, principal, job)
    return redirect_after(f"/imports/{job}/check")


def _fields_page(
    row: Row[Any],
    sheet: Sheet,
    found: ImportMapping,
    problems: list[Problem] | tuple[Problem, ...] = (),
    controls: list[str] | tuple[str, ...] = (),
    *,
    status: int = 200,
    part: bool = False,
) -> ResponseReturnValue:
    names = [mapping.column_name(name, index) for index, name in enumerate(sheet.reading.columns)]
    context: dict[str, Any] = {
        "job": row,
        "definition": sheet.definition,
        "form": import_forms.form_of(sheet, found, problems, controls),
        "names": names,
        "record_types": [(each.name, label(each)) for each in current.snapshot.all("record_type", sheet.definition.name)],
        "first": found.columns[0] if found.columns else None,
        "date_formats": _date_formats(),
    }
    if part:
        return fragment("import/map.html", "form", status=status, **context)
    return page("import/map.html", status=status, **context)


def _date_formats() -> list[tuple[str, str]]:
    return [(name, name) for name in DATE_FORMATS if name != "Y-M-D"]


@bp.get("/<job>/mapping.json")
@admit(IMPORTER)
def download_mapping(job: str) -> ResponseReturnValue:
    """The mapping as a file: for the command line, or for the next file of this kind."""
    row = _job(job)
    return _download(json.dumps(row.mapping, ensure_ascii=False, indent=2).encode(), f"{row.object}_mapping.json", "application/json")


def _download(body: bytes, name: str, kind: str) -> Response:
    response = Response(body, mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


# --- check --------------------------------------------------------------------------------------------------------------------


@bp.get("/<job>/check")
@admit(IMPORTER)
def check(job: str) -> ResponseReturnValue:
    """What the import would do."""
    row = _open_job(job)
    if not jobs.same_mapping(row):
        return redirect_after(f"/imports/{job}/map")
    definition = current.object(row.object)
    groups = [
        {**group, "said": word(problem, row.object), "problem": problem, "choices": _choices(definition, problem)}
        for group in row.checked.get("groups", ())
        for problem in (jobs.of_json(group["problem"]),)
    ]
    problems = [word(jobs.of_json(each), row.object) for each in row.checked.get("problems", ())]
    with read(current.org.engine) as tx:
        twin = jobs.twin(tx.connection, job)
    counts = row.checked.get("counts", {})
    return page(
        "import/check.html",
        block="check",
        job=row,
        definition=definition,
        state=row.checked["state"],
        counts=_counts(counts),
        failed=counts.get("failed", 0),
        total=sum(counts.values()),
        groups=groups,
        problems=problems,
        twin=twin,
        field_label=partial(_field_label, definition),
    )


def _field_label(definition: ObjectDef, name: str | None) -> str:
    found = definition.field(name) if name else None
    return label(found) if found is not None else ""


def _choices(definition: ObjectDef, problem: Problem) -> list[tuple[str, str]] | None:
    """Return what a value may be replaced by: the list's values; an empty list where a name is typed; None where no answer helps."""
    found: FieldDef | None = definition.field(problem.field) if problem.field else None
    if found is None or problem.code not in near_misses.NOT_FOUND or "value" not in problem.params:
        return None
    return [(each.name, label(each)) for each in found.values if each.active]


def _counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    words = {
        "created": _("Created"),
        "updated": _("Updated"),
        "unchanged": _("Unchanged"),
        "skipped": _("Skipped"),
        "failed": _("With errors"),
    }
    return [(words[name], counts.get(name, 0)) for name in jobs.OUTCOMES]


@bp.post("/<job>/check")
@admit(IMPORTER)
def check_again(job: str) -> ResponseReturnValue:
    """Check once more, after something else was put right."""
    _open_job(job)
    return _checked_again(job)


@bp.post("/<job>/answer")
@admit(IMPORTER)
def answer(job: str) -> ResponseReturnValue:
    """Say once for all rows what a value means, and check again."""
    row = _open_job(job)
    value, meant = request.form.get("value", ""), request.form.get("meant", "").strip()
    if not meant:
        raise Refused(Problem(code="required", field="meant"))
    changed = near_misses.answered(mapping.load(row.mapping), request.form.get("field", ""), value, meant)
    _set(job, mapping=mapping.dump(changed))
    toast(_("%(value)s now means %(meant)s", value=value, meant=meant))
    return _checked_again(job)


# --- run ----------------------------------------------------------------------------------------------------------------------


@bp.post("/<job>/start")
@admit(IMPORTER)
def start(job: str) -> ResponseReturnValue:
    """Start the import in the background."""
    _open_job(job)
    principal, org = current.principal, current.org
    current.close()
    background.start(org.records, org.outbox, principal, job, again="1" in request.form.getlist("again"))
    return redirect_after(f"/imports/{job}")


@bp.post("/<job>/cancel")
@admit(IMPORTER)
def cancel(job: str) -> ResponseReturnValue:
    """Stop at the next chunk."""
    _job(job)
    principal, org = current.principal, current.org
    current.close()
    background.cancel(org.records, principal, job)
    toast(_("The import stops. What was imported stays."))
    return redirect_after(f"/imports/{job}")


@bp.get("/<job>/progress")
@admit(IMPORTER)
def progress(job: str) -> ResponseReturnValue:
    """How far check or run is, for the bar."""
    row = _job(job)
    if row.state == State.OPEN.value:
        return _check_progress(row)
    done, total = sum(getattr(row, f"rows_{name}") for name in jobs.OUTCOMES), row.rows_total or 0
    ended = State(row.state) in jobs.ENDED
    counts = {name: getattr(row, f"rows_{name}") for name in jobs.OUTCOMES}
    return {
        "state": "done" if ended else "waiting" if row.state == State.QUEUED.value else "running",
        "done": done,
        "total": total,
        "label": state_words(row.state),
        "text": _rows_words(done, total),
        "counts": [{"label": text, "value": number(count)} for text, count in _counts(counts)],
        "location": f"/imports/{job}" if ended else None,
    }


def _check_progress(row: Row[Any]) -> ResponseReturnValue:
    checked = row.checked or {"state": "done"}
    done, total = checked.get("done", 0), checked.get("total", 0)
    ended = checked["state"] in ("done", "failed")
    return {
        "state": "done" if ended else checked["state"],
        "done": done,
        "total": total,
        "label": _("Checking the rows") if checked["state"] == "running" else state_words("queued"),
        "text": _rows_words(done, total),
        "location": f"/imports/{row.id}/check" if ended else None,
    }


def _rows_words(done: int, total: int) -> str:
    return _("%(done)s of %(total)s rows", done=number(done), total=number(total)) if total else ""


@bp.get("/<job>/sums")
@admit(IMPORTER)
def sums(job: str) -> ResponseReturnValue:
    """Sums of the file beside those of the database; asked for by the report once it is shown."""
    row = _job(job)
    what = _import_of(row)
    definition = current.object(row.object)
    found = verification.sums(current.org.records, what)
    return page("import/sums.html", block="sums", job=row, sums=found, field_label=partial(_field_label, definition))


@bp.get("/<job>/errors.csv")
@admit(IMPORTER)
def errors(job: str) -> ResponseReturnValue:
    """The rows that failed, with the reasons, to be corrected and sent again."""
    row = _job(job)
    language, snapshot = current.language, current.snapshot
    lines = error_file.lines(current.org.records, _import_of(row), lambda problem: worded(problem, language, snapshot, row.object))
    return _download(b"".join(lines), f"{Path(row.file_name).stem}_errors.csv", "text/csv")
