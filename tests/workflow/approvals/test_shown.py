"""What approvals tell people, and what pages ask of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fieldstone.db.transaction import read, write
from fieldstone.errors import NotVisible
from fieldstone.notify import inbox, mail
from fieldstone.records.principal import assign
from tests.support.company import QUOTE, process
from tests.support.statements import counting
from tests.support.worlds import permission_set, rights

BIG = "25"  # percent: director and finance decide too


# --- telling people --------------------------------------------------------------------------------------------------------------


def test_approver_and_submitter_are_told_in_their_own_language_with_a_link(company):
    firm = company()
    instance = firm.submit(firm.quote())
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        done, asked = mail.mailbox(tx)
    assert (asked.recipients, asked.subject) == (["bob@example.com"], "待审批：报价 Q-1")
    assert "sue 提交了报价 Q-1 的审批（折扣）" in asked.text
    assert f"https://crm.example.com/approvals/{instance.id}" in asked.text
    assert (done.recipients, done.subject, done.state) == (["sue@example.com"], "Approved: Quote Q-1", "kept")
    with read(firm.world.engine) as tx:
        assert [each.text for each in inbox.page(tx, firm.world.people["bob"], "zh-Hant")] == ["sue 送出的報價 Q-1 等待您簽核（折扣）"]


def test_notify_and_email_steps_say_what_their_reader_may_see(company):
    template = {
        "kind": "email_template",
        "api_name": "won",
        "label": "Won",
        "object": "quote",
        "subject": {"en": "{{ name }} at {{ amount }}"},
        "body": {"en": "<p>{{ terms }}</p>"},
        "format": "html",
    }
    approved = [
        {"id": "n", "type": "notify", "to": [{"user": "fay"}, "=owner"], "text": {"en": "{{ name }}: {{ discount }}"}},
        {"id": "e", "type": "email", "template": "won", "to": ["=owner", {"user": "fay"}]},
    ]
    firm = company(process(actions={"approved": approved}), more=(template,))
    firm.submit(firm.quote(name="<b>Q</b>", terms="<script>"))
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        sue = [each.text for each in inbox.page(tx, firm.world.people["sue"], "en")]
        letters = {each.recipients[0]: each for each in mail.mailbox(tx) if each.html and "<p>" in each.html and "Hello" not in each.html}
        fay = [each.text for each in inbox.page(tx, firm.world.people["fay"], "en")]
    assert letters["sue@example.com"].subject == "<b>Q</b> at $100.00"
    assert letters["sue@example.com"].html == "<p>&lt;script&gt;</p>"
    assert letters["fay@example.com"].subject == "at"  # she sees nothing of the quote
    assert "<b>Q</b>: 15%" in sue  # the page escapes it
    assert fay == [":"]


@pytest.mark.parametrize(("secret", "told"), [("7", "7"), ("0", "#Error!")])
def test_a_name_that_a_formula_makes_is_told_to_who_may_read_its_inputs(company, secret, told):
    title = {"type": "formula", "label": "Title", "returns": "text", "formula": "TEXT(secret * secret / secret)"}
    quote = {**QUOTE, "name_field": "title", "fields": {**QUOTE["fields"], "secret": {"type": "number", "label": "S"}, "title": title}}
    knowing = permission_set("knowing", {"quote": rights("read", read=["secret", "title"])})
    firm = company(more=(quote, knowing))
    with write(firm.world.engine) as tx:
        assign(tx.connection, firm.world.people["sue"], ["sales", "knowing"])
    firm.submit(firm.quote(who="builder", owner=firm.world.people["sue"], secret=secret))
    firm.decide("bob")
    with read(firm.world.engine) as tx:
        letters = [(each.recipients[0], each.subject) for each in mail.mailbox(tx)]
        bob = [each.text for each in inbox.page(tx, firm.world.people["bob"], "en")]
    assert letters == [("sue@example.com", f"Approved: Quote {told}"), ("bob@example.com", "待审批：报价 未命名")]
    assert bob == ["sue asks for your decision on Quote Unnamed (Discount)"]


# --- what pages ask --------------------------------------------------------------------------------------------------------------


def test_the_panel_shows_the_nodes_in_order_with_who_is_waited_for(company):
    firm = company()
    quote = firm.quote(BIG)
    assert [name for name, _ in firm.panels.panel(firm.world.principal("sue"), "quote", quote).processes] == ["discount"]
    firm.submit(quote, comment="please")
    [view] = firm.panels.panel(firm.world.principal("sue"), "quote", quote).instances
    assert [(each.node, each.state, [seat.name for seat in each.seats]) for each in view.nodes] == [
        ("manager", "open", ["bob"]),
        ("both", "upcoming", []),
    ]
    assert view.commands == ("recall",)
    firm.decide("bob", comment="fine by me")
    panel = firm.panels.panel(firm.world.principal("sue"), "quote", quote)
    [view] = panel.instances
    assert [(each.node, each.state, [(seat.name, seat.state, seat.comment) for seat in each.seats]) for each in view.nodes] == [
        ("manager", "approved", [("bob", "approved", "fine by me")]),
        ("both", "open", [("dan", "open", None), ("Finance", "open", None)]),
    ]
    assert panel.locked
    assert view.commands == ()
    assert [(line.kind, line.actor_name, line.comment) for line in view.history][:3] == [
        ("submitted", "sue", "please"),
        ("entered", "", None),
        ("approved", "bob", "fine by me"),
    ]


def test_a_branch_that_was_not_taken_is_not_shown(company):
    firm = company()
    quote = firm.quote("15")
    firm.submit(quote)
    firm.decide("bob")
    [view] = firm.panels.panel(firm.world.principal("sue"), "quote", quote).instances
    assert [(each.node, each.state) for each in view.nodes] == [("manager", "approved")]


def test_an_approver_without_access_to_the_record_sees_the_approval_while_it_is_theirs_and_after(company):
    firm = company()
    instance = firm.submit(firm.quote())
    bob, gil = firm.world.principal("bob"), firm.world.principal("gil")
    view = firm.panels.instance(bob, instance.id)
    assert view.commands == ("approve", "reject", "transfer")
    assert view.evidence is not None
    with pytest.raises(NotVisible):
        firm.panels.instance(gil, instance.id)
    firm.decide("bob")
    after = firm.panels.instance(bob, instance.id)
    assert after.commands == ()
    assert after.evidence.shown["fields"]["discount"] == "15.0"
    with pytest.raises(NotVisible):
        firm.panels.panel(bob, "quote", instance.record)


def test_amounts_stay_exact_in_the_evidence(company):
    firm = company()
    quote = firm.quote(amount="12345678901234.56")
    firm.submit(quote)
    [task] = firm.tasks("bob")
    assert Decimal(task.evidence["fields"]["amount"]) == Decimal("12345678901234.56")


def test_the_inbox_asks_no_more_statements_for_many_tasks_than_for_one(company):
    firm = company()
    bob = firm.world.principal("bob")

    def statements() -> int:
        with counting(firm.world.engine) as seen:
            firm.panels.open_tasks(bob)
        return len(seen)

    firm.submit(firm.quote())
    firm.panels.open_tasks(bob)  # what is made once is made
    one = statements()
    for number in range(12):
        quote = firm.quote(name=f"Q-{number}")
        firm.world.create("line", {"name": "L", "quote": quote, "price": str(number)}, "sue")
        firm.submit(quote)
    tasks = firm.panels.open_tasks(bob)
    assert [task.record_name for task in tasks] == ["Q-1", *(f"Q-{number}" for number in range(12))]
    assert tasks[3].evidence["children"]["line.quote"][0]["price"] == "2.00"
    assert statements() == one
