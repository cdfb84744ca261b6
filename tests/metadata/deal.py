"""A small org around one deal: the documents of spec/metadata.md, sections 5 to 7, and what they refer to."""

from __future__ import annotations

from typing import Any

from fieldstone.metadata.documents import parse, path_of

ACCOUNT = """{"kind": "object", "api_name": "account", "label": "Account", "fields": {
  "name": {"type": "text", "label": "Name", "required": true},
  "industry": {"type": "picklist", "label": "Industry", "value_set": "industry"}}}"""
CONTACT = """{"kind": "object", "api_name": "contact", "label": "Contact", "fields": {
  "name": {"type": "text", "label": "Name", "required": true},
  "account": {"type": "lookup", "label": "Account", "to": "account"}}}"""
DEAL = r"""
{"$schema": "../.schemas/object.json", "kind": "object", "api_name": "deal", "label": {"en": "Deal", "zh-Hans": "商机", "zh-Hant": "商機"},
 "icon": "handshake", "color": "teal", "name_field": "name", "default_access": "private", "features": {"teams": true},
 "fields": {
  "name": {"type": "text", "label": {"en": "Name", "zh-Hans": "名称", "zh-Hant": "名稱"}, "length": 120, "required": true},
  "code": {"type": "auto_number", "label": "No.", "pattern": "D-{YYYY}-{00000}"},
  "erp_no": {"type": "text", "label": "ERP number", "length": 20, "external_id": true, "ignore_case": true},
  "account": {"type": "lookup", "label": "Account", "to": "account", "on_delete": "restrict", "required": true},
  "contact": {"type": "lookup", "label": "Contact", "to": "contact", "filter": "account = $Record.account",
    "filter_message": "Choose a contact of this account.",
    "examples": [{"record": {"account": "a1"}, "related": {"contact": {"account": "a2"}}, "expect": false}]},
  "stage": {"type": "picklist", "label": {"en": "Stage", "zh-Hans": "阶段", "zh-Hant": "階段"}, "required": true, "history": true,
   "values": [{"api_name": "open", "label": "Open", "color": "blue", "default": true}, {"api_name": "won", "label": "Won"},
    {"api_name": "lost", "label": "Lost"}]},
  "loss_reason": {"type": "picklist", "label": "Reason", "controlled_by": "stage", "allowed": {"lost": ["price", "timing"]},
    "values": [{"api_name": "price", "label": "Price"}, {"api_name": "timing", "label": "Timing"}]},
  "amount": {"type": "currency", "label": "Amount", "scale": 2, "min": 0, "history": true},
  "discount": {"type": "percent", "label": "Discount", "precision": 5, "scale": 1, "min": 0, "max": 100},
  "close_date": {"type": "date", "label": "Close date", "default": "=TODAY() + 30"},
  "net": {"type": "formula", "label": "Net", "returns": "currency", "scale": 2, "formula": "amount * (1 - discount)",
    "examples": [{"record": {"amount": "99.90", "discount": "15.0"}, "expect": "84.92"},
      {"record": {"amount": "100.00"}, "expect": "100.00"}]},
  "days_left": {"type": "formula", "label": "Days left", "returns": "number", "blanks": "blank", "formula": "close_date - TODAY()",
    "examples": [{"today": "2026-11-21", "record": {"close_date": "2026-12-01"}, "expect": 10}, {"record": {}, "expect": null}]},
  "line_total": {"type": "roll_up", "label": "Lines", "relation": "deal_line.deal", "function": "sum", "field": "price",
    "filter": "NOT(cancelled)"}},
 "keys": [{"api_name": "one_name_per_account", "fields": ["account", "name"], "ignore_case": true}]}
"""
DEAL_LINE = """{"kind": "object", "api_name": "deal_line", "label": "Line", "owned_by": "none", "default_access": "by_parent", "fields": {
  "name": {"type": "text", "label": "Name"},
  "deal": {"type": "master_detail", "label": "Deal", "to": "deal"},
  "product": {"type": "text", "label": "Product"},
  "quantity": {"type": "number", "label": "Quantity"},
  "price": {"type": "currency", "label": "Price"},
  "cancelled": {"type": "checkbox", "label": "Cancelled"}}}"""
LAYOUT = r"""
{"$schema": "../../.schemas/page_layout.json", "kind": "page_layout", "object": "deal", "api_name": "deal_standard", "label": "Deal",
 "for": {"record_types": [], "profiles": [], "permission_sets": ["sales_user"]}, "order": 100,
 "tabs": [
  {"id": "main", "label": {"en": "Details", "zh-Hans": "详情", "zh-Hant": "詳情"}, "sections": [
    {"id": "key", "label": "Key facts", "columns": 2, "items": [
      {"field": "name", "width": 2}, {"field": "account"}, {"field": "contact", "visible_when": "NOT(ISBLANK(account))"},
      {"field": "stage"},
      {"field": "loss_reason", "visible_when": "stage = \"lost\"", "required_when": "stage = \"lost\""},
      {"field": "amount", "read_only_when": "AND(stage = \"won\", NOT($Permission.edit_won_deals))"},
      {"field": "discount"}, {"field": "net"}]},
    {"id": "lost", "collapsed": true, "visible_when": "stage = \"lost\"", "items": [{"component": "text", "text": "What can we learn?"}]}]},
  {"id": "lines", "label": "Lines", "related_lists": [
    {"relation": "deal_line.deal", "columns": ["product", "quantity", "price"], "sort": [{"field": "price", "direction": "desc"}],
     "filter": "NOT(cancelled)", "rows": 10, "inline_edit": true, "can": ["create", "edit", "delete"]}]}],
 "path": {"field": "stage", "guidance": {"open": {"fields": ["amount", "close_date"], "text": "Agree on budget and date."}}},
 "buttons": {"page": ["edit", "clone", "submit_approval", "hand_over"], "more": ["delete", "transfer"]}}
"""
VIEW = r"""
{"$schema": "../../.schemas/list_view.json", "kind": "list_view", "object": "deal", "api_name": "closing_soon", "label": "Closing soon",
 "columns": [{"field": "name", "width": 240}, {"field": "account.industry"}, {"field": "amount", "total": "sum"}, {"field": "days_left"}],
 "filter": "AND(stage = \"open\", close_date <= TODAY() + 30, owner = $User.Id)",
 "sort": [{"field": "close_date"}, {"field": "amount", "direction": "desc"}],
 "visible_to": {"roles": ["sales"]}, "inline_edit": true, "start_in": "list",
 "calendar": {"start": "close_date", "title": "name", "color_by": "stage"},
 "board": {"group_by": "stage", "totals": ["amount"], "card": ["account", "amount", "close_date"]},
 "examples": [{"today": "2026-11-21", "user": {"id": "u1"}, "record": {"stage": "open", "close_date": "2026-12-21", "owner": "u1"},
               "expect": true},
              {"today": "2026-11-21", "user": {"id": "u1"}, "record": {"stage": "open", "close_date": null, "owner": "u1"},
               "expect": false}]}
"""
RULE = r"""
{"$schema": "../../.schemas/validation_rule.json", "kind": "validation_rule", "object": "deal", "api_name": "won_needs_amount",
 "label": "A won deal has an amount", "error_when": "AND(stage = \"won\", BLANKVALUE(amount, 0) <= 0)", "at": "amount", "record_types": [],
 "message": {"en": "{{ name }} is won: enter its amount.", "zh-Hans": "{{ name }} 已赢单：请填写金额。",
             "zh-Hant": "{{ name }} 已成交：請填寫金額。"},
 "examples": [{"name": "won without amount", "record": {"stage": "won", "amount": null}, "expect": "refused"},
              {"record": {"stage": "won", "amount": "1.00"}, "expect": "accepted"}, {"record": {"stage": "open"}, "expect": "accepted"}]}
"""
OTHERS = (
    '{"kind": "value_set", "api_name": "industry", "label": "Industry", "values": [{"api_name": "retail", "label": "Retail"}]}',
    '{"kind": "permission_set", "api_name": "sales_user", "label": "Sales", "objects": {"deal": {"rights": ["create", "edit"],'
    ' "fields": {"amount": "edit", "net": "read"}}}, "permissions": ["edit_won_deals"]}',
    '{"kind": "custom_permission", "api_name": "edit_won_deals", "label": "Edit won deals"}',
    '{"kind": "role", "api_name": "sales", "label": "Sales"}',
)


def documents(*more: str | dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Return the documents of the small org by path, with `more` in place of those at the same path."""
    texts = (ACCOUNT, CONTACT, DEAL, DEAL_LINE, LAYOUT, VIEW, RULE, *OTHERS)
    parsed = [parse(text) for text in texts] + [parse(item) if isinstance(item, str) else item for item in more]
    return {path_of(document): document for document in parsed if path_of(document) not in without}
