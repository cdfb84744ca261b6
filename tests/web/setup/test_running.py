"""Facts about the pages that keep the org running: jobs, mailbox, packs, the org itself, the audit log."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from html import unescape

from sqlalchemy import insert, select, update

from fieldstone.db.transaction import read, write
from fieldstone.metadata import publish
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.plan import plan
from fieldstone.notify import mail
from fieldstone.notify.mail import Mail
from fieldstone.packs.sample import SAMPLE_RECORD
from fieldstone.records.principal import assign
from fieldstone.workflow.outbox import OUTBOX, Topic
from tests.support import packs, worlds


def dead_letter(site, error="Refused: no such person"):
    """Put work that has given up."""
    with write(site.org.engine) as tx:
        row = site.org.outbox.put(tx, Topic(name="mail"), {"mail": "x"}, due=tx.now.replace(year=2090))
        tx.connection.execute(update(OUTBOX).where(OUTBOX.c.id == row).values(state="dead", error=error, attempts=9, ended_at=tx.now))
    return row


def state(site, row):
    with read(site.org.engine) as tx:
        return tx.connection.execute(select(OUTBOX.c.state, OUTBOX.c.reason).where(OUTBOX.c.id == row)).one()


def holds(site, username, right):
    """Give somebody a Setup right."""
    with read(site.org.engine) as tx:
        sets = ChangeSet(put=(worlds.permission_set(f"with_{right}", {}, setup=[right]),))
        planned = plan(site.org.holder.current(tx.connection), sets, tx.connection)
    publish.publish(site.org.engine, planned.require(), author=publish.Author(id=None), snapshots=site.org.holder)
    with write(site.org.engine) as tx:
        assign(tx.connection, site.user(username), [f"with_{right}"])


def sampled(site, name):
    """Create an account as if a sample had brought it; return its id."""
    account = site.create("account", name=name)
    with write(site.org.engine) as tx:
        noted = {"pack": "crm", "key": name, "object": "account", "record": account, "at": tx.now + timedelta(minutes=1)}
        tx.connection.execute(insert(SAMPLE_RECORD), noted)
    return account


def test_sample_data_is_removed_after_a_look_at_what_stays(site, admin):
    holds(site, "admin", "modify_all_data")
    assert "/setup/sample" not in admin.get("/setup/packs").text
    used, _ = sampled(site, "Harbour Works"), sampled(site, "Tidal Paper")
    site.create("deal", name="Crane", account=used)
    assert "/setup/sample" in admin.get("/setup/packs").text
    page = admin.get("/setup/sample").text
    assert "Something that stays refers to it" in page and f"/o/account/{used}" in page and "Tidal Paper" not in page
    assert admin.post("/setup/sample").status_code == 303
    accounts = admin.get("/o/account").text
    assert "Harbour Works" in accounts and "Tidal Paper" not in accounts
    assert "removed the sample data" in admin.get("/setup/audit").text
    assert "Nothing is left to remove" in admin.get("/setup/sample").text


def test_sample_data_is_removed_by_those_who_may_change_all_data(site, rep):
    holds(site, "rep", "manage_packs")
    sampled(site, "Harbour Works")
    assert "/setup/sample" not in rep.get("/setup/packs").text
    assert rep.get("/setup/sample").status_code == 403
    assert rep.post("/setup/sample").status_code == 403


def test_work_that_gave_up_is_shown_and_tried_again(site, admin):
    row = dead_letter(site)
    assert "no such person" in admin.get("/setup/jobs").text
    assert admin.post(f"/setup/jobs/{row}/replay").status_code == 303
    assert state(site, row).state == "queued"
    assert admin.post(f"/setup/jobs/{row}/replay").status_code == 422


def test_work_of_one_kind_is_shown_by_itself(site, admin):
    dead_letter(site)
    topic = re.search(r'href="(/setup/jobs\?state=dead&amp;topic=[^"]+)"', admin.get("/setup/jobs").text)
    assert "no such person" in admin.get(unescape(topic[1])).text
    with write(site.org.engine) as tx:
        site.org.outbox.put(tx, Topic(name="call"), {}, due=tx.now.replace(year=2090))
    assert "no such person" not in admin.get("/setup/jobs?state=dead&topic=call").text
    assert "no such person" in admin.get("/setup/jobs?state=dead&topic=never.heard.of").text


def test_work_is_put_aside_only_for_a_reason(site, admin):
    row = dead_letter(site)
    admin.get("/setup/jobs?state=dead")
    assert admin.post(f"/setup/jobs/{row}/discard", {"reason": " "}).status_code == 422
    assert admin.post(f"/setup/jobs/{row}/discard", {"reason": "person has left"}).status_code == 303
    assert tuple(state(site, row)) == ("discarded", "person has left")
    assert "person has left" in admin.get("/setup/audit").text


def test_the_mailbox_shows_who_may_not_see_all_data_their_own_mails_alone(site, admin):
    with write(site.org.engine) as tx:
        to_rep, to_admin = (
            mail.write(
                tx, Mail(recipients=(f"{name}@example.com",), subject=f"Of {name}", text="-"), sender="crm@example.com", leaves=False
            )
            for name in ("rep", "admin")
        )
    for url in ("/setup/mailbox", "/setup/mailbox?to=rep"):
        page = admin.get(url).text
        assert "Of admin" in page and "Of rep" not in page
    assert admin.get(f"/setup/mailbox?mail={to_rep}").status_code == 404
    assert admin.get(f"/setup/mailbox?mail={to_admin}").status_code == 200


def test_the_mailbox_shows_every_mail_and_opens_one(site, admin):
    holds(site, "admin", "view_all_data")
    with write(site.org.engine) as tx:
        kept = mail.write(
            tx, Mail(recipients=("rita@example.com",), subject="Waiting", text="<b>Please</b>"), sender="crm@example.com", leaves=False
        )
    page = admin.get("/setup/mailbox?to=rita").text
    assert "Waiting" in page and "Please" not in page
    assert "&lt;b&gt;Please" in admin.get(f"/setup/mailbox?mail={kept}").text
    assert "Waiting" not in admin.get("/setup/mailbox?to=nobody").text


def test_name_and_zone_of_the_org_change_for_everybody(site, admin):
    admin.get("/setup/org")
    answer = admin.post("/setup/org", {"name": "Halden Europe", "zone": "Europe/Zurich"})
    assert answer.status_code == 303
    assert "Halden Europe" in site.visitor("rep").get("/").text
    assert site.org.holder.newest().name == "Halden Europe"


def test_an_unknown_zone_is_told_at_its_field(admin):
    admin.get("/setup/org")
    answer = admin.post("/setup/org", {"name": "Halden", "zone": "Mars/Olympus"})
    assert answer.status_code == 422 and 'href="#f-zone"' in answer.text and "Mars/Olympus" in answer.text


def test_what_was_done_stands_in_the_audit_log(site, admin):
    site.visitor().sign_in("rep")
    assert "signed in" in admin.get("/setup/audit").text


def test_a_pack_shows_its_plan_and_why_it_cannot_come(admin):
    page = admin.get("/setup/packs")
    assert page.status_code == 200 and "/setup/packs/crm" in page.text
    assert admin.get("/setup/packs/crm").status_code == 200
    assert admin.get("/setup/packs/nowhere").status_code == 404


def test_a_broken_pack_is_refused_with_its_problems_and_changes_nothing(site, admin):
    broken = archive({"pack.json": b'{"kind": "pack", "api_name": "broken"}'})
    version = site.org.holder.newest().version
    admin.get("/setup/packs")
    answer = admin.post("/setup/packs/brought", [("archive", (io.BytesIO(broken), "broken.fspack"))])
    assert answer.status_code == 422 and "pack.json" in answer.text
    assert admin.post("/setup/packs/brought", {}).status_code == 422
    assert site.org.holder.newest().version == version


def archive(found):
    """Files as the bytes of an archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for path, content in found.items():
            packed.writestr(path, content)
    return written.getvalue()


def test_a_pack_from_a_file_is_looked_at_and_installed_once_its_rights_are_ticked(site, admin):
    worker = {
        "kind": "permission_set",
        "api_name": "rent__worker",
        "label": "Rental worker",
        "objects": {"rent__bike": {"rights": ["create", "read", "edit"], "fields": {"gears": "edit"}}},
    }
    content = archive(packs.files({**packs.BIKES, "permission_sets/rent__worker.json": worker}, seal=True))
    admin.get("/setup/packs")
    plan = admin.post("/setup/packs/brought", [("archive", (io.BytesIO(content), "rental.fspack"))])
    assert plan.status_code == 200 and "Rental" in plan.text, plan.text
    brought = re.search(r'name="archive" value="([^"]+)"', plan.text)[1]
    unticked = admin.post("/setup/packs/rental", {"archive": brought})
    assert unticked.status_code == 422 and "rent__bike" not in site.org.holder.newest().objects
    assert admin.post("/setup/packs/rental", {"archive": brought, "rights": "1"}).status_code == 303
    assert site.org.holder.newest().objects["rent__bike"].owner == "rental"
    assert "rental" in admin.get("/setup/packs").text


def test_the_pages_are_for_whom_has_their_right(rep):
    for url in ("/setup/jobs", "/setup/mailbox", "/setup/packs", "/setup/org", "/setup/audit"):
        assert rep.get(url).status_code == 403
