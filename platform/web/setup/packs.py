"""Packs: what is installed and what could be, the plan before an install with the rights it brings, installing.

Here: the pages. Not here: plans and installs (`packs/plan.py`, `packs/install.py`), reading archives (`packs/read.py`).
A pack that somebody brought travels in the form from its plan to its install, so nothing is kept anywhere.
Source: spec/packs.md, sections 8 and 13.
"""

from __future__ import annotations

import base64
import binascii

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldstone.errors import NotVisible, Problem, Refused, TryAgain
from fieldstone.i18n import texts
from fieldstone.packs import install, sample_removal
from fieldstone.packs.plan import PackPlan, installed
from fieldstone.packs.read import Pack, look_at_archive
from fieldstone.web.admission import admit, setup
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.pages import page, redirect_after
from fieldstone.web.setup import bp
from fieldstone.web.setup.publishing import steps_of
from fieldstone.web.shell import toast

MOST_BROUGHT = 700_000  # bytes of an archive that still fits into a form as text


@bp.get("/packs")
@admit(setup("manage_packs"))
def packs() -> ResponseReturnValue:
    """The packs at hand, installed or not."""
    return _list(())


@bp.get("/packs/<name>")
@admit(setup("manage_packs"))
def show_pack(name: str) -> ResponseReturnValue:
    """What installing a pack would do, or what an installed one is."""
    offered = install.at_hand()
    if name not in offered:
        raise NotVisible(name)
    return _show(offered[name], offered, archive="")


@bp.post("/packs/brought")
@admit(setup("manage_packs"))
def bring_pack() -> ResponseReturnValue:
    """The plan of a pack from a file; a broken one with all its problems."""
    file = request.files.get("archive")
    content = file.read(MOST_BROUGHT + 1) if file is not None else b""
    if not content or len(content) > MOST_BROUGHT:
        code = "choose_pack_file" if not content else "pack_file_too_large"
        return _list((Problem(code=code, params={"limit": MOST_BROUGHT // 1000}),))
    return _brought(base64.b64encode(content).decode(), confirm=False)


@bp.post("/packs/<name>")
@admit(setup("manage_packs"))
def install_pack(name: str) -> ResponseReturnValue:
    """Install a pack and what it requires, once every right it brings is ticked."""
    if request.form.get("archive"):
        return _brought(request.form["archive"], confirm=True)
    offered = install.at_hand()
    if name not in offered:
        raise NotVisible(name)
    return _install(offered[name], offered, archive="")


def _brought(archive: str, *, confirm: bool) -> ResponseReturnValue:
    try:
        pack = look_at_archive(base64.b64decode(archive, validate=True))
    except Refused as refused:
        return _list(refused.problems)
    except binascii.Error:
        return _list((Problem(code="choose_pack_file"),))
    offered = install.at_hand(pack)
    return _install(pack, offered, archive) if confirm else _show(pack, offered, archive)


def _list(problems: tuple[Problem, ...]) -> ResponseReturnValue:
    present = installed(current.transaction.connection)
    found = sorted(install.at_hand().values(), key=lambda pack: (pack.name not in present, pack.name))
    shown = [(word(each), f"{each.document or ''}{each.pointer or ''}") for each in problems]
    brought = [(name, version) for name, version in present.items() if name not in {pack.name for pack in found}]
    return page(
        "setup/packs.html",
        status=422 if problems else 200,
        found=found,
        brought=brought,
        present=present,
        problems=shown,
        sample=current.rights.setup("modify_all_data") and sample_removal.is_there(current.transaction.connection),
    )


def _plan(pack: Pack, offered: dict[str, Pack]) -> PackPlan:
    return install.plan(current.org, [pack.name], offered=offered, language=current.language, author=current.principal)


def _show(
    pack: Pack, offered: dict[str, Pack], archive: str, *, status: int = 200, problems: tuple[Problem, ...] = (), unticked: bool = False
) -> ResponseReturnValue:
    present = installed(current.transaction.connection)
    planned = _plan(pack, offered) if pack.name not in present else None
    exposure = (
        [(each.pack, texts.word(each.said, current.language, planned.metadata.labels)) for each in planned.exposure] if planned else []
    )
    refused = (*problems, *(planned.refused if planned is not None else ()))
    return page(
        "setup/pack.html",
        status=422 if problems or unticked else status,
        pack=pack,
        archive=archive,
        present=present,
        planned=planned,
        steps=steps_of(planned.metadata) if planned is not None and not planned.refused else [],
        exposure=exposure,
        problems=list(dict.fromkeys((word(each), f"{each.document or ''}{each.pointer or ''}") for each in refused)),
        unticked=unticked,
    )


def _install(pack: Pack, offered: dict[str, Pack], archive: str) -> ResponseReturnValue:
    planned = _plan(pack, offered)
    if planned.refused:
        return _show(pack, offered, archive, status=422)
    if planned.exposure and "rights" not in request.form:
        return _show(pack, offered, archive, unticked=True)
    sample, by = request.form.get("sample") == "1", current.principal
    current.close()
    try:
        done = install.apply(current.org, planned, sample=sample, author=by)
    except Refused as refused:
        return _show(pack, offered, archive, problems=refused.problems)
    except TryAgain:
        return _show(pack, offered, archive, problems=(Problem(code="publish_busy"),))
    for problem in done.problems:
        toast(word(problem), kind="bad")
    toast(_("Installed: %(packs)s", packs=", ".join(done.packs)))
    return redirect_after("/setup/packs")
