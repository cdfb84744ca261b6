"""Lists: what a URL shows, conditions, order, pages, columns, own views, boards."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from tests.support.pages import DEAL, PASSWORD, documents


def names(answer):
    """The records of a list in their order."""
    return re.findall(r'<td class="first">.*?<a href="/o/[^"]+">([^<]*)</a>', answer.text)


@pytest.fixture
def deals(site):
    """Some deals of the representative, whose amounts follow their names."""
    owner, account = site.user("rep"), site.create("account", name="Kestrel Aerospace", city="Toulouse")
    rows = [("Alpha", "open", "100.00"), ("Beta", "won", "250.50"), ("Gamma", "open", None), ("Delta", "lost", "70.00")]
    return {
        name: site.create("deal", name=name, stage=stage, amount=amount, owner=owner, account=account, secret=f"secret of {name}")
        for name, stage, amount in rows
    }


def test_a_list_shows_the_columns_of_its_view_that_one_may_see(site, deals, rep):
    text = rep.get("/o/deal?view=every").text
    assert "Kestrel Aerospace" in text
    assert "$250.50" in text
    assert "Secret note" not in text
    assert "secret of" not in text
    assert "Secret note" in site.visitor("admin").get("/o/deal?view=every").text


def test_a_list_says_how_many_there_are_and_what_they_sum_up_to(deals, rep):
    text = re.sub(r"<[^>]+>", " ", rep.get("/o/deal?view=every").text)
    assert re.search(r"4\s+deals", text)
    assert re.search(r"Sum of Amount\s+\$420\.50", text)
    assert re.search(r"1\s+deal\s", re.sub(r"<[^>]+>", " ", rep.get("/o/deal?view=every&q=Alpha").text))


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"f.1": "amount", "o.1": "ge", "v.1": "100"}, ["Alpha", "Beta"]),
        ({"f.1": "amount", "o.1": "between", "v.1": "60", "w.1": "100.00"}, ["Alpha", "Delta"]),
        ({"f.1": "amount", "o.1": "blank"}, ["Gamma"]),
        ({"f.1": "stage", "o.1": "in", "v.1.open": "1", "v.1.lost": "1"}, ["Alpha", "Delta", "Gamma"]),
        ({"f.1": "stage", "o.1": "not_in", "v.1.open": "1"}, ["Beta", "Delta"]),
        ({"f.1": "name", "o.1": "starts_with", "v.1": "al"}, ["Alpha"]),
        ({"f.1": "owner", "o.1": "me", "f.2": "stage", "o.2": "in", "v.2.won": "1"}, ["Beta"]),
        ({"f.1": "created_at", "o.1": "in_period", "v.1": "today"}, ["Alpha", "Beta", "Delta", "Gamma"]),
        ({"f.1": "created_at", "o.1": "le", "v.1": "2020-01-01"}, []),
        ({"x": 'AND(amount > 50, stage <> "won")'}, ["Alpha", "Delta"]),
        ({"q": "ALPH"}, ["Alpha"]),
        ({"q": "alp", "x": "amount > 200"}, []),
        ({"f.1": "amount", "o.1": "ge"}, ["Alpha", "Beta", "Delta", "Gamma"]),
        ({"f.1": "secret", "o.1": "eq", "v.1": "secret of Alpha"}, ["Alpha", "Beta", "Delta", "Gamma"]),
    ],
)
def test_the_url_says_which_records_are_shown(deals, rep, state, shown):
    answer = rep.get(f"/o/deal?view=every&{urlencode(state)}")
    assert answer.status_code == 200
    assert names(answer) == shown


def test_a_formula_that_no_database_can_do_is_shown_and_not_asked_for(site, deals, rep):
    coded = {"type": "formula", "label": "Coded", "returns": "text", "formula": 'IF(REGEX(account.name, "Kes.*"), "yes", "no")'}
    held = next(each for each in documents() if each["api_name"] == "sales_rep")
    held["objects"]["deal"]["fields"]["coded"] = "read"
    site.publish({**DEAL, "fields": {**DEAL["fields"], "coded": coded}}, held)
    text = rep.get("/o/deal?view=every&cols=name,coded,amount").text
    assert text.count(">yes</td>") == 4
    assert "sort=amount" in text and "sort=coded" not in text
    assert "add=net" in (offered := rep.get("/o/deal/fields?view=every").text) and "add=coded" not in offered
    assert 'name="c.coded"' in rep.get("/o/deal/fields?view=every&for=columns").text


@pytest.mark.parametrize(
    ("sort", "shown"), [("amount", ["Delta", "Alpha", "Beta", "Gamma"]), ("-amount", ["Beta", "Alpha", "Delta", "Gamma"])]
)
def test_a_list_is_sorted_by_a_column_with_blanks_last(deals, rep, sort, shown):
    assert names(rep.get(f"/o/deal?view=every&sort={sort}")) == shown


def test_the_view_of_ones_own_shows_no_others(site, deals, admin, rep):
    assert names(admin.get("/o/deal?view=mine")) == []
    assert len(names(rep.get("/o/deal?view=mine"))) == 4


def test_a_lookup_is_a_condition_with_the_name_of_its_record(site, deals, rep):
    account = site.get("deal", deals["Alpha"])["account"]
    other = site.create("account", name="Other")
    answer = rep.get(f"/o/deal?view=every&f.1=account&o.1=eq&v.1={account.id}")
    assert len(names(answer)) == 4
    assert "<b>Kestrel Aerospace</b>" in answer.text
    assert names(rep.get(f"/o/deal?view=every&f.1=account&o.1=eq&v.1={other}")) == []


@pytest.mark.parametrize("typed", ["abc", "1,2", "--"])
def test_a_value_that_is_not_understood_says_so_and_filters_nothing(deals, rep, typed):
    answer = rep.get(f"/o/deal?view=every&f.1=amount&o.1=ge&v.1={typed}")
    assert "is not understood as a value of Amount" in answer.text
    assert len(names(answer)) == 4


def test_a_wrong_expression_says_what_is_wrong_with_it(deals, rep):
    answer = rep.get("/o/deal?view=every&x=amont+%3E+5")
    assert answer.status_code == 422
    assert "amont" in answer.text
    assert names(answer) == []


def test_an_expression_over_a_hidden_field_is_told_like_one_over_no_field(deals, rep):
    def told(name):
        text = rep.get(f"/o/deal?view=every&x={name}+%3D+%22a%22").text
        return re.sub(name, "NAME", re.search(r'<div class="banner bad".*?</div>', text)[0])

    assert told("secret") == told("secrxt")


def test_nothing_that_matches_and_nothing_at_all_are_told_apart(site, rep):
    assert "No deals yet" in rep.get("/o/deal?view=every").text
    site.create("deal", name="One", owner=site.user("rep"))
    assert "Nothing matches" in rep.get("/o/deal?view=every&q=zzz").text


def test_pages_follow_one_another_and_lead_back(site, rep):
    owner = site.user("rep")
    for number in range(120):
        site.create("deal", name=f"Deal {number:03}", owner=owner)
    seen, url, answers = [], "/o/deal?view=every", []
    for _ in range(3):
        answer = rep.get(url)
        answers.append(names(answer))
        seen += names(answer)
        following = re.search(r'href="([^"]+)" aria-label="Next page"', answer.text)
        url = following[1].replace("&amp;", "&") if following and following[1] != "#" else None
    assert seen == [f"Deal {number:03}" for number in range(120)]
    assert url is None
    assert "101–120" in answer.text
    back = re.search(r'href="([^"]+)" aria-label="Previous page"', answer.text)[1].replace("&amp;", "&")
    assert names(rep.get(back)) == answers[1]


def test_a_page_of_fifty_rows_stays_light_and_takes_few_statements(site, rep):
    owner, account = site.user("rep"), site.create("account", name="Kestrel")
    for number in range(50):
        site.create("deal", name=f"Deal {number:03}", owner=owner, account=account, amount="5.00")
    text = rep.get("/o/deal?view=every").text
    assert len(re.findall(r"<[a-z]", text)) < 1_500


def test_chosen_columns_stand_in_the_url(deals, rep):
    answer = rep.get("/o/deal/columns?view=every&c.close_date=1&c.stage=2&c.secret=3")
    assert answer.status_code == 303
    assert "cols=close_date%2Cstage" in answer.headers["Location"]
    head = re.search(r"<thead>.*?</thead>", rep.get(answer.headers["Location"]).text, re.DOTALL)[0]
    assert "Close date" in head
    assert "Amount" not in head


def test_a_fragment_is_the_part_of_the_page_that_changes(deals, rep):
    answer = rep.fragment("/o/deal?view=every")
    assert "<html" not in answer.text
    assert names(answer) == ["Alpha", "Beta", "Delta", "Gamma"]


@pytest.mark.parametrize(
    ("field", "asks"), [("amount", 'name="v.1"'), ("stage", 'name="v.1.won"'), ("account", "<x-lookup"), ("created_at", "this_month")]
)
def test_the_editor_of_a_condition_fits_its_field(deals, rep, field, asks):
    assert asks in rep.fragment(f"/o/deal/condition?view=every&add={field}").text


def test_the_editor_offers_no_field_that_one_may_not_see(deals, rep):
    assert "Secret note" not in rep.fragment("/o/deal/fields?view=every").text
    assert rep.fragment("/o/deal/condition?view=every&add=secret").status_code == 404


# ------------------------------------------------------------------------------------------------------------ own views


def test_what_is_shown_can_be_kept_as_an_own_view(site, deals, rep):
    rep.get("/o/deal?view=every")
    state = {"view": "every", "f.1": "amount", "o.1": "ge", "v.1": "100", "sort": "-amount", "cols": "name,amount"}
    answer = rep.post("/o/deal/views", {**state, "label": "Big ones"})
    assert answer.status_code == 303
    shown = rep.get(answer.headers["Location"])
    assert names(shown) == ["Beta", "Alpha"]
    assert "Big ones" in shown.text
    assert "is at least" in shown.text
    assert "Big ones" not in site.visitor("admin").get("/o/deal").text
    view = answer.headers["Location"].partition("view=")[2]
    assert len(names(rep.get(f"/o/deal?view={view}&n=1"))) == 4  # its conditions were taken off
    assert site.visitor("admin").post(f"/o/deal/views/{view}/delete").status_code in (403, 404)
    assert rep.post(f"/o/deal/views/{view}/delete").status_code == 303
    assert "Big ones" not in rep.get("/o/deal").text


def test_a_view_needs_a_name(deals, rep):
    assert rep.post("/o/deal/views", view="every", label=" ").status_code == 422


def test_a_view_for_everybody_becomes_part_of_the_configuration(site, deals, admin, rep):
    admin.get("/o/deal?view=every")
    state = {"view": "every", "f.1": "amount", "o.1": "ge", "v.1": "100", "sort": "-amount"}
    answer = admin.post("/o/deal/views", {**state, "label": "Big for all", "shared": "1"})
    assert answer.status_code == 303
    shown = rep.get(answer.headers["Location"])
    assert names(shown) == ["Beta", "Alpha"]
    assert "Big for all" in shown.text


def test_only_who_customizes_makes_views_for_everybody(deals, rep):
    rep.get("/o/deal?view=every")
    assert rep.post("/o/deal/views", view="every", label="Mine for all", shared="1").status_code == 403


# ---------------------------------------------------------------------------------------------------------------- boards


def test_a_board_counts_and_sums_every_column(deals, rep):
    text = rep.get("/o/deal?view=every&as=board").text
    columns = re.findall(
        r"<span data-name>([^<]+)</span> <span class=\"n\"[^>]*>(\d+)</span>.*?<p class=\"sum\">([^<]*)</p>", text, re.DOTALL
    )
    assert columns == [("Open", "2", "$100"), ("Won", "1", "$251"), ("Lost", "1", "$70")]


def test_a_dropped_card_saves_its_field_and_both_columns_are_told(site, deals, rep):
    rep.get("/o/deal?view=every&as=board")
    version = site.get("deal", deals["Alpha"])["row_version"]
    answer = rep.send(
        f"/o/deal/{deals['Alpha']}/move",
        {"field": "stage", "value": "won", "row_version": version},
        Referer="http://localhost/o/deal?view=every&as=board",
    )
    assert answer.status_code == 200
    assert answer.json == {
        "row_version": version + 1,
        "columns": {"open": {"count": "1", "sum": "$0"}, "won": {"count": "2", "sum": "$351"}},
    }
    assert site.get("deal", deals["Alpha"])["stage"] == "won"


def test_a_drop_against_a_rule_goes_back_and_leads_to_the_field(site, deals, rep):
    rep.get("/o/deal?view=every&as=board")
    answer = rep.send(f"/o/deal/{deals['Gamma']}/move", {"field": "stage", "value": "won", "row_version": 1})
    assert answer.status_code == 422
    assert answer.json["error"] == "Enter the amount of a won deal."
    assert 'value="won" selected' in rep.get(answer.json["form"]).text
    assert site.get("deal", deals["Gamma"])["stage"] == "open"


def test_a_drop_of_an_outdated_card_is_a_conflict(site, deals, rep):
    rep.get("/o/deal?view=every&as=board")
    assert rep.send(f"/o/deal/{deals['Alpha']}/move", {"field": "stage", "value": "won", "row_version": 1}).status_code == 200
    answer = rep.send(f"/o/deal/{deals['Alpha']}/move", {"field": "stage", "value": "lost", "row_version": 1})
    assert answer.status_code == 409


def test_who_may_not_edit_gets_a_board_without_moving(site, deals):
    reader = site.visitor("reader")
    assert "<x-board" not in reader.get("/o/deal?view=every&as=board").text
    assert reader.send(f"/o/deal/{deals['Alpha']}/move", {"field": "stage", "value": "won", "row_version": 1}).status_code == 403


def test_more_cards_of_a_column_come_in_parts(site, rep):
    owner = site.user("rep")
    for number in range(60):
        site.create("deal", name=f"Deal {number:03}", owner=owner)
    first = rep.fragment("/o/deal/column?view=every&as=board&value=open").text
    assert first.count('class="kc"') == 50
    more = re.search(r'hx-get="([^"]+)"', first)[1].replace("&amp;", "&")
    assert rep.fragment(more).text.count('class="kc"') == 10


def test_the_list_speaks_chinese_with_the_labels_of_the_metadata(site, deals):
    text = site.visitor("hans").get("/o/deal?view=every").text
    assert 'lang="zh-Hans"' in text
    for words in ("商机", "全部商机", "阶段", "金额", "进行中", "新建商机", "筛选"):
        assert words in text
    assert site.visitor().sign_in("hans", PASSWORD).status_code == 303


def test_the_name_stays_a_column_whatever_is_chosen(deals, rep):
    chosen = rep.get("/o/deal/columns?view=every&c.amount=1&c.stage=2")
    text = rep.get(chosen.headers["Location"]).text
    assert re.findall(r'<th scope="col"[^>]*><span[^>]*>(?:<input[^>]*>)?<a[^>]*>([^<]*)', text) == ["Name", "Amount", "Stage"]
