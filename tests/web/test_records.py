"""One record: its page, create and edit form, reactions, conflicts, double sends, expired sessions, undo, another record type."""

from __future__ import annotations

import copy
import re

import pytest

from fieldstone.db.ids import new_id
from fieldstone.records.changes import Change
from tests.support import pages
from tests.support.pages import HIDDEN
from tests.support.statements import counting


def errors(answer):
    """The sentences at the fields of a form, by field."""
    found = {}
    for name, part in re.findall(r'data-field="([^"]+)">(.*?)(?=data-field="|</form>)', answer.text, re.DOTALL):
        texts = re.findall(r'<p class="err">.*?<span>([^<]*)</span>', part)
        if texts:
            found[name] = texts
    return found


def value_of(answer, name):
    """What stands in an input."""
    control = re.search(rf'<input class="in[^>]*name="{name}"[^>]*value="([^"]*)"', answer.text)
    return control[1] if control else None


@pytest.fixture
def account(site):
    return site.create("account", name="Kestrel Aerospace", city="Toulouse", owner=site.user("rep"))


@pytest.fixture
def deal(site, account):
    return site.create("deal", name="Cell line 4", amount="412000.00", account=account, owner=site.user("rep"), secret="do not tell")


# ------------------------------------------------------------------------------------------------------------------ page


def test_the_page_shows_what_layout_and_rights_allow(site, deal, account, rep):
    text = rep.get(f"/o/deal/{deal}").text
    assert "<h1>Cell line 4</h1>" in text
    assert "$412,000.00" in text
    assert "$370,800.00" in text  # a formula
    assert f'href="/o/account/{account}"' in text
    assert "Find out the budget." in text
    assert "Reason" not in text  # only of a lost deal
    assert "do not tell" not in text
    assert "do not tell" in site.visitor("admin").get(f"/o/deal/{deal}").text


def with_share(site, returns, source):
    """Publish a formula that divides by the amount, and show it on the page, the form, the board and the account's list of deals."""
    share = {"type": "formula", "label": "Share", "returns": returns, "formula": source}
    panel = {"kind": "highlight_panel", "object": "deal", "api_name": "shares", "label": "Shares", "fields": ["amount", "share"]}
    layout, view = copy.deepcopy(pages.LAYOUT), copy.deepcopy(pages.VIEWS[0])
    layout["tabs"][0]["sections"][0]["items"].append({"field": "share"})
    view["board"]["card"] = ["share"]
    lists = [{"relation": "deal.account", "columns": ["share"]}]
    account = {"kind": "page_layout", "object": "account", "api_name": "account_main", "label": "Account"}
    account["tabs"] = [{"id": "deals", "label": "Deals", "related_lists": lists}]
    held = next(each for each in pages.documents() if each["api_name"] == "sales_rep")
    held["objects"]["deal"]["fields"]["share"] = "read"
    site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "share": share}}, panel, layout, view, account, held)


@pytest.mark.parametrize(("returns", "source"), [("number", "100 / amount"), ("checkbox", "100 / amount < 1")])
def test_a_formula_that_fails_says_so_and_why_wherever_it_is_shown(site, deal, account, rep, returns, source):
    with_share(site, returns, source)
    places = (
        *(f"/o/deal/{deal}", f"/o/deal/{deal}/edit", f"/o/account/{account}"),
        *("/o/deal?view=every&cols=name,share", "/o/deal?view=every&as=board", "/o/deal/column?view=every&as=board&value=open"),
    )
    assert [place for place in places if "#Error!" in rep.get(place).text] == []
    site.org.records.save(*_update(site, deal, amount=None))
    told = '<span class="mute failed" title="Division by zero.">#Error!<span class="vh"> Division by zero.</span></span>'
    assert [place for place in places if told not in rep.get(place).text] == []
    assert ">#Error! Division by zero.</a>" in rep.get("/o/deal?view=every&cols=share,name").text
    form = rep.form(f"/o/deal/{deal}/edit")
    drafts = [rep.post(f"/o/deal/draft?record={deal}", form, name="x", stage="open", amount=amount).text for amount in ("8", "0")]
    assert [told in draft for draft in drafts] == [False, True]
    assert told in rep.post(f"/o/deal/{deal}/cell/name?view=every&cols=name,share", rep.form(f"/o/deal/{deal}/cell/name"), name="y").text


def test_links_images_and_line_breaks_of_a_formula_are_shown_as_such_and_nothing_else_is(site, deal, account, rep):
    with_share(site, "text", 'HYPERLINK("https://maps.example.com/?q=1&r=2", name) & BR() & IMAGE("/flag.png", "Flag", 12, 12) & reason')
    site.org.records.save(*_update(site, deal, name="A <b> & co", reason='<img src="x.png" onerror="alert(1)"><script>alert()</script>'))
    link = '<a href="https://maps.example.com/?q=1&amp;r=2" target="_blank" class="link" rel="noopener noreferrer">A &lt;b&gt; &amp; co</a>'
    shown = link + '<br><img src="/flag.png" alt="Flag" height="12" width="12">&lt;img src="x.png" onerror="alert(1)"&gt;&lt;script'
    places = (
        *(f"/o/deal/{deal}", f"/o/deal/{deal}/edit", f"/o/account/{account}"),
        *("/o/deal?view=every&cols=name,share", "/o/deal?view=every&as=board", "/o/deal/column?view=every&as=board&value=open"),
    )
    assert [place for place in places if shown not in rep.get(place).text or "<script>alert" in rep.get(place).text] == []


def test_a_record_whose_name_fails_is_called_so(site, rep):
    amount = {"type": "number", "label": "Amount"}
    name = {"type": "formula", "label": "Name", "returns": "text", "formula": "TEXT(100 / amount)"}
    held = next(each for each in pages.documents() if each["api_name"] == "sales_rep")
    held["objects"]["crate"] = {"rights": ["read", "view_all"], "fields": {"name": "read", "amount": "read"}}
    site.publish({"kind": "object", "api_name": "crate", "label": "Crate", "fields": {"name": name, "amount": amount}}, held)
    crate = site.create("crate", amount=0)
    assert ">#Error!</a>" in rep.get("/o/crate").text
    assert "<h1>#Error!</h1>" in rep.get(f"/o/crate/{crate}").text


def test_the_path_shows_where_a_record_stands(site, deal, rep):
    site.org.records.save(*_update(site, deal, stage="won"))
    path = re.search(r'<ol class="path".*?</ol>', rep.get(f"/o/deal/{deal}").text, re.DOTALL)[0]
    assert re.findall(r'<li class="(\w*)">', path) == ["done", "now", ""]


def _update(site, deal, **values):
    return pages.BUILDER, [Change(object="deal", action="update", id=deal, values=values)]


def test_buttons_are_those_one_may_press(site, deal):
    rep, reader = site.visitor("rep").get(f"/o/deal/{deal}").text, site.visitor("reader").get(f"/o/deal/{deal}").text
    for words in ("/edit", "/clone", "/delete", "/owner"):
        assert f"{deal}{words}" in rep
        assert f"{deal}{words}" not in reader


def test_children_stand_on_the_page_of_their_parent_with_a_way_to_add_one(account, deal, rep):
    text = rep.get(f"/o/account/{account}").text
    assert "Cell line 4" in text
    assert f"/o/deal/new?set.account={account}" in text


def test_a_new_child_begins_with_its_parent(account, rep):
    answer = rep.get(f"/o/deal/new?set.account={account}")
    assert f'name="account" value="{account}"' in answer.text
    assert 'value="Kestrel Aerospace"' in answer.text
    assert f'href="/o/account/{account}"' in answer.text  # where Cancel leads


def test_the_history_tells_who_changed_what(deal, rep):
    form = rep.form(f"/o/deal/{deal}/edit")
    rep.post(f"/o/deal/{deal}/edit", form, name="Cell line 4", stage="won", amount="500,000")
    text = re.sub(r"<[^>]+>|\s+", " ", rep.get(f"/o/deal/{deal}?tab=history").text)
    assert re.search(r"Rita Rep .*changed Stage from\s+Open\s+to\s+Won", re.sub(r"\s+", " ", text))
    assert re.search(r"Amount from\s+\$412,000.00\s+to\s+\$500,000.00", re.sub(r"\s+", " ", text))


# ------------------------------------------------------------------------------------------------------------ create form


def test_the_create_form_is_filled_with_defaults(rep):
    answer = rep.get("/o/deal/new")
    assert 'value="open" selected' in answer.text
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", value_of(answer, "close_date"))
    assert "Secret note" not in answer.text
    assert "Calculated." in answer.text


def test_the_create_form_leaves_out_what_only_the_save_gives(site, deal, rep):
    layout = copy.deepcopy(pages.LAYOUT)
    stamps = ("created_by", "created_at", "updated_by", "approval_status", "code")
    layout["tabs"][0]["sections"].append({"id": "system", "label": "System", "items": [{"field": name} for name in stamps]})
    code = {"type": "auto_number", "label": "Code", "pattern": "D-{000}"}
    held = next(each for each in pages.documents() if each["api_name"] == "sales_rep")
    held["objects"]["deal"]["fields"]["code"] = "read"
    site.publish({**pages.DEAL, "fields": {**pages.DEAL["fields"], "code": code}}, layout, held)
    new = rep.get("/o/deal/new")
    drafted = rep.post("/o/deal/draft", rep.form("/o/deal/new"), name="x")
    edit = rep.get(f"/o/deal/{deal}/edit")
    assert [each.text.count(">System<") for each in (new, drafted, edit)] == [0, 0, 1]
    assert [name for name in stamps if f'data-field="{name}"' not in edit.text] == []
    assert [name for name in stamps if f'data-field="{name}"' in new.text + drafted.text] == []


def test_a_saved_form_leads_to_the_record(site, account, rep):
    form = rep.form("/o/deal/new")
    answer = rep.post("/o/deal/new", form, name="New deal", stage="open", amount="1,234.50", account=account, close_date="2026-12-24")
    assert answer.status_code == 303
    record = site.get("deal", answer.headers["Location"].rsplit("/", 1)[1])
    assert (record["name"], str(record["amount"]), record["close_date"].isoformat(), record["owner"].name) == (
        "New deal",
        "1234.50",
        "2026-12-24",
        "Rita Rep",
    )
    assert "Deal created" in rep.get(answer.headers["Location"]).text


def test_every_mistake_stands_at_its_field_and_nothing_typed_is_lost(rep):
    form = rep.form("/o/deal/new")
    answer = rep.post(
        "/o/deal/new", form, name=" ", stage="won", amount="12,5x", close_date="31/31/2026", account="", account__text="Nobody Ltd"
    )
    assert answer.status_code == 422
    found = errors(answer)
    assert set(found) == {"name", "amount", "close_date", "account"}
    assert value_of(answer, "amount") == "12,5x"
    assert value_of(answer, "close_date") == "31/31/2026"
    assert 'value="Nobody Ltd"' in answer.text
    assert "4 things to put right" in answer.text
    assert 'href="#f-amount"' in answer.text
    assert form["form_number"] in answer.text


def test_a_rule_of_the_customer_speaks_at_its_field(rep):
    answer = rep.post("/o/deal/new", rep.form("/o/deal/new"), name="Won for nothing", stage="won")
    assert errors(answer) == {"amount": ["Enter the amount of a won deal."]}


def test_what_a_layout_requires_is_required(rep):
    answer = rep.post("/o/deal/new", rep.form("/o/deal/new"), name="Lost one", stage="lost", reason="")
    assert set(errors(answer)) == {"reason"}


def test_a_name_that_fits_one_record_is_enough_for_a_lookup(site, account, rep):
    answer = rep.post("/o/deal/new", rep.form("/o/deal/new"), name="By name", stage="open", account="", account__text="kestrel aerospace")
    assert site.get("deal", answer.headers["Location"].rsplit("/", 1)[1])["account"].id == account


def test_a_form_sent_twice_makes_one_record(site, rep):
    form = rep.form("/o/deal/new")
    first, second = (rep.post("/o/deal/new", form, name="Once", stage="open") for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert rep.get("/o/deal?view=every").text.count(">Once<") == 1


def test_a_field_one_may_not_write_is_refused_and_changes_nothing(site, deal, rep):
    form = rep.form(f"/o/deal/{deal}/edit")
    answer = rep.post(f"/o/deal/{deal}/edit", form, name="Cell line 4", stage="open", secret="told")
    assert answer.status_code == 422
    assert site.get("deal", deal)["secret"] == "do not tell"


def test_who_may_not_create_gets_no_form(site):
    reader = site.visitor("reader")
    assert reader.get("/o/deal/new").status_code == 403
    reader.get("/o/deal")
    assert reader.post("/o/deal/new", name="x", stage="open").status_code == 403


def test_save_and_new_shows_an_empty_form_again(rep):
    answer = rep.post("/o/deal/new", rep.form("/o/deal/new"), name="One of many", stage="open", again="1")
    assert answer.headers["Location"] == "/o/deal/new"


# -------------------------------------------------------------------------------------------------------------- edit form


def test_the_edit_form_shows_the_values_as_they_are_typed(deal, rep):
    answer = rep.get(f"/o/deal/{deal}/edit")
    assert value_of(answer, "name") == "Cell line 4"
    assert value_of(answer, "amount") == "412,000.00"


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_not_edit_gets_no_edit_form(site, deal, method):
    reader = site.visitor("reader")
    reader.get("/o/deal")
    url = f"/o/deal/{deal}/edit"
    assert (reader.get(url) if method == "get" else reader.post(url, name="x")).status_code == 403


def test_of_two_who_edit_the_second_sees_both_values(site, deal, rep):
    admin = site.visitor("admin")
    mine, theirs = rep.form(f"/o/deal/{deal}/edit"), admin.form(f"/o/deal/{deal}/edit")
    assert admin.post(f"/o/deal/{deal}/edit", theirs, name="Their name", stage="open", amount="412,000.00").status_code == 303
    answer = rep.post(f"/o/deal/{deal}/edit", mine, name="My name", stage="open", amount="412,000.00")
    assert answer.status_code == 409
    row = re.search(r'<th scope="row">Name</th><td>([^<]*)</td><td>([^<]*)</td>', answer.text)
    assert row.groups() == ("Their name", "My name")
    assert value_of(answer, "name") == "My name"
    assert site.get("deal", deal)["name"] == "Their name"
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    assert rep.post(f"/o/deal/{deal}/edit", again, name="My name", stage="open").status_code == 303
    assert site.get("deal", deal)["name"] == "My name"


def test_an_edit_sent_twice_is_harmless(site, deal, rep):
    form = rep.form(f"/o/deal/{deal}/edit")
    answers = [rep.post(f"/o/deal/{deal}/edit", form, name="Changed", stage="open", amount="1.00") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert site.get("deal", deal)["row_version"] == 2


def test_a_pressed_stage_is_saved_or_asks_for_what_is_missing(site, deal, rep):
    rep.get(f"/o/deal/{deal}")
    assert rep.post(f"/o/deal/{deal}/set", stage="won", row_version="1").status_code == 303
    assert site.get("deal", deal)["stage"] == "won"
    poor = site.create("deal", name="Poor", owner=site.user("rep"))
    answer = rep.post(f"/o/deal/{poor}/set", stage="won", row_version="1")
    assert answer.status_code == 422
    assert errors(answer) == {"amount": ["Enter the amount of a won deal."]}
    reloaded = rep.get(f"/o/deal/{poor}/set")
    assert (reloaded.status_code, reloaded.location) == (303, f"/o/deal/{poor}")


# -------------------------------------------------------------------------------------------------------------- reactions


def test_a_condition_of_the_layout_reacts_while_somebody_types(rep):
    form = rep.form("/o/deal/new")
    assert 'name="reason"' not in rep.get("/o/deal/new").text
    answer = rep.post("/o/deal/draft", form, name="Typed", stage="lost", amount="12,5x", changed="stage")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'name="reason"' in answer.text
    assert value_of(answer, "name") == "Typed"
    assert value_of(answer, "amount") == "12,5x"


def test_a_formula_is_worked_out_for_what_is_typed(rep):
    answer = rep.post("/o/deal/draft", rep.form("/o/deal/new"), name="x", stage="open", amount="1,000", changed="amount")
    assert "$900.00" in answer.text


def test_a_reaction_writes_nothing(site, deal, rep):
    before = site.get("deal", deal)
    rep.get(f"/o/deal/{deal}/edit")
    rep.post(f"/o/deal/draft?record={deal}", name="Only a draft", stage="lost", changed="stage")
    assert site.get("deal", deal) == before


def test_a_reaction_costs_the_session_and_two_statements(site, deal, rep):
    rep.get(f"/o/deal/{deal}/edit")
    rep.post(f"/o/deal/draft?record={deal}", name="x", stage="open", changed="stage")
    for path, asked in ((f"/o/deal/draft?record={deal}", {"name": "x", "stage": "lost"}), ("/o/deal/draft", {"name": "x", "stage": "won"})):
        with counting(site.org.engine) as seen:
            assert rep.post(path, **asked, row_version="1", changed="stage").status_code == 200
        assert sum('"deal"' in each or " deal" in each for each in seen.statements) <= 2, seen.statements
        assert len(seen) <= 4, seen.statements


def test_a_reaction_about_a_record_one_may_not_see_is_like_one_about_none(site, rep):
    hidden = site.create("deal", name="Hidden", stage="open")
    rep.get("/o/deal/new")
    answers = [rep.post(f"/o/deal/draft?record={each}", name="x", changed="stage") for each in (hidden, new_id())]
    assert [each.status_code for each in answers] == [404, 404]
    assert "Hidden" not in answers[0].text


def test_a_reaction_shows_no_field_that_one_may_not_see(deal, rep):
    rep.get(f"/o/deal/{deal}/edit")
    assert "do not tell" not in rep.post(f"/o/deal/draft?record={deal}", name="x", stage="open", changed="stage").text


# -------------------------------------------------------------------------------------------- a session ends in the middle


def test_what_was_typed_comes_back_after_a_new_login(site, rep):
    form = rep.form("/o/deal/new")
    rep.client.delete_cookie("fs_session_80")
    answer = rep.post("/o/deal/new", form, name="Typed before", stage="won", amount="77")
    assert answer.status_code == 401
    assert "Your session has ended." in answer.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    from tests.support.pages import PASSWORD

    signed_in = rep.post("/login", hidden, username="rep", password=PASSWORD)
    back = rep.get(signed_in.headers["Location"])
    assert value_of(back, "name") == "Typed before"
    assert value_of(back, "amount") == "77"
    assert "What you had typed is back." in back.text
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', back.text))
    assert rep.post("/o/deal/new", again, name="Typed before", stage="won", amount="77").status_code == 303


def test_what_somebody_else_had_typed_is_not_shown(site, rep):
    from tests.support.pages import PASSWORD

    form = rep.form("/o/deal/new")
    with site.org.engine.connect() as _:
        pass
    stolen = rep.client.get_cookie("fs_session_80").value
    import time_machine

    with time_machine.travel("2040-01-01", tick=True):
        answer = rep.post("/o/deal/new", form, name="Private words", stage="open")
        assert answer.status_code == 401
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
        assert stolen not in answer.text
        rep.client.delete_cookie("fs_session_80")
        rep.get("/login")
        hidden["csrf_token"] = rep.token
        signed_in = rep.post("/login", hidden, username="admin", password=PASSWORD)
        assert "typed=" not in signed_in.headers["Location"]


# ----------------------------------------------------------------------------------------- clone, delete, undo, hand over


def test_a_copy_begins_with_the_values_of_the_other(site, deal, rep):
    answer = rep.get(f"/o/deal/{deal}/clone")
    assert value_of(answer, "name") == "Cell line 4"
    assert value_of(answer, "amount") == "412,000.00"
    assert f"{deal}/edit" not in answer.text


def test_a_rule_may_ask_whether_a_record_is_a_copy(site, deal, rep):
    rule = {"kind": "validation_rule", "object": "deal", "api_name": "no_copies", "label": "No copies"}
    site.publish({**rule, "error_when": 'AND(ISCLONE(), CONTAINS(name, "Cell"))', "message": "A copy has a name of its own."})
    form = rep.form(f"/o/deal/{deal}/clone")
    refused = rep.post("/o/deal/new", form, name="Cell line 4", stage="open")
    assert refused.status_code == 422
    assert "A copy has a name of its own." in refused.text
    assert 'name="clone"' in refused.text
    assert rep.post("/o/deal/new", form, name="Another", stage="open").status_code == 303
    assert rep.post("/o/deal/new", rep.form("/o/deal/new"), name="Cell line 5", stage="open").status_code == 303


def test_a_deleted_record_can_be_taken_back(site, deal, rep):
    rep.get(f"/o/deal/{deal}")
    answer = rep.post(f"/o/deal/{deal}/delete")
    assert answer.headers["Location"] == "/o/deal"
    assert f'undo="/o/deal/{deal}/restore"' in rep.get("/o/deal").text
    assert rep.get(f"/o/deal/{deal}").status_code == 404
    assert "Cell line 4" in rep.get("/recycle-bin?object=deal").text
    undone = rep.send(f"/o/deal/{deal}/restore", {})
    assert undone.json == {"location": f"/o/deal/{deal}"}
    assert rep.get(f"/o/deal/{deal}").status_code == 200


def test_another_record_type_is_chosen_and_saved_with_its_form(site, deal, rep):
    for name, values in (("new_business", {}), ("renewal", {"stage": ["open", "won"]})):
        document = {"kind": "record_type", "object": "deal", "api_name": name, "label": name.title(), "values": values}
        site.publish(document)
    site.org.records.save(*_update(site, deal, stage="won"))
    chosen = rep.get(f"/o/deal/{deal}/type")
    assert re.findall(r'href="(/o/deal/[^"]+record_type=[^"]+)"', chosen.text) == [
        f"/o/deal/{deal}/edit?record_type={name}" for name in ("new_business", "renewal")
    ]
    form = rep.get(f"/o/deal/{deal}/edit?record_type=renewal")
    assert "It becomes: Renewal." in form.text
    assert re.findall(r'<option value="(\w+)"', form.text) == ["open", "won"]
    sent = dict(HIDDEN.findall(form.text))
    assert sent["record_type"] == "renewal"
    assert "It becomes: Renewal." in rep.post(f"/o/deal/draft?record={deal}", sent, name="Cell line 4", stage="won").text
    assert rep.post(f"/o/deal/{deal}/edit", sent, name="Cell line 4", stage="won").status_code == 303
    assert site.get("deal", deal)["record_type"] == "renewal"
    kept = dict(HIDDEN.findall(rep.get(f"/o/deal/{deal}/edit").text))
    assert kept["record_type"] == "renewal"
    assert "It becomes" not in rep.post(f"/o/deal/draft?record={deal}", kept, name="Cell line 4", stage="open").text


@pytest.mark.parametrize("url", ["", "/edit", "/clone", "/owner", "?tab=history"])
def test_a_record_one_may_not_see_is_like_one_that_is_not_there(site, url):
    hidden = site.create("deal", name="Hidden", owner=site.user("admin"))
    rep = site.visitor("rep")
    assert rep.get(f"/o/deal/{hidden}{url}").status_code == rep.get(f"/o/deal/{new_id()}{url}").status_code == 404


def test_a_lookup_suggests_what_one_may_see(site, account, rep):
    answer = rep.get("/o/deal/lookup/account?q=kes").json
    assert answer["results"][0].pop("note").startswith("Rita Rep · ")
    assert answer == {"results": [{"id": account, "text": "Kestrel Aerospace", "icon": "building-2", "hue": 1}], "more": False}
    assert site.visitor("reader").get("/o/deal/lookup/account?q=kes").status_code == 404
    people = [each["text"] for each in rep.get("/o/deal/lookup/owner?q=r").json["results"]]
    assert "Rita Rep" in people


def test_the_form_speaks_chinese(site, deal):
    text = site.visitor("hans").get(f"/o/deal/{deal}/edit").text
    assert all(words in text for words in ("编辑商机", "名称", "阶段", "进行中", "保存", "取消"))
    answer = site.visitor("hans")
    form = answer.form(f"/o/deal/{deal}/edit")
    refused = answer.post(f"/o/deal/{deal}/edit", form, name="x", stage="won", amount="")
    assert errors(refused) == {"amount": ["请填写赢单金额。"]}
