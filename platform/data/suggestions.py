"""Which field a column is probably meant for, and why.

Here: suggestions, each with its reason. Not here: the mapping that a person makes of them (`mapping.py`).
Source: spec/data.md, section 1, "Mapping".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.fuzz import token_sort_ratio

from fieldstone.data.column_formats import Profile
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.field_types.picklist import by_label
from fieldstone.records.gate.access import Rights

Reason = Literal["name", "label", "synonym", "values", "likeness"]
LIKE = 82  # of 100: two names that are probably the same

# Words for the same thing, as headers of other systems have them; each row begins with the word of the shipped packs.
SYNONYMS: Sequence[frozenset[str]] = tuple(
    frozenset(words.split(", "))
    for words in (
        "name, title, subject, 名称, 名稱, 姓名, full name, account name, company, company name, deal name, product name",
        "account, customer, client, company, organization, organisation, 客户, 客戶, 公司",
        "owner, sales agent, sales rep, agent, assigned to, account manager, 负责人, 負責人, 所有者",
        "stage, deal stage, sales stage, status, 阶段, 階段",
        "amount, close value, value, deal value, revenue, 金额, 金額",
        "close date, closing date, expected close, 结单日期, 成交日期, 結案日期",
        "annual revenue, revenue, turnover, sales, 年营业额, 年收入, 年營業額",
        "industry, sector, branch, 行业, 行業, 產業",
        "employees, headcount, staff, number of employees, 员工数, 員工數",
        "parent, subsidiary of, parent account, parent company, 上级客户, 母公司",
        "email, e mail, mail, email address, 邮箱, 电子邮件, 電子郵件",
        "phone, telephone, tel, phone number, 电话, 電話",
        "mobile, cell, cell phone, mobile phone, 手机, 手機",
        "website, url, web, homepage, 网站, 網站",
        "list price, sales price, price, unit price, 价格, 價格",
        "code, sku, product code, article, item number, 编码, 編碼, 料号",
        "product, item, article, 产品, 產品",
        "created at, created, engage date, create date, created on, 创建时间, 建立時間",
        "description, notes, comment, remarks, 备注, 備註, 描述",
        "first name, given name, 名", "last name, surname, family name, 姓",
        "manager, supervisor, reports to, 上级, 主管", "quantity, qty, count, 数量, 數量",
    )
)  # fmt: skip

# What other systems call the same object.
OBJECTS: Sequence[frozenset[str]] = tuple(
    frozenset(words.split(", "))
    for words in (
        "opportunity, deal, sale, 商机, 商機", "account, customer, company, client, 客户, 客戶, 公司", "contact, person, 联系人, 聯絡人",
        "product, item, article, 产品, 產品", "case, ticket, issue, 个案, 個案", "lead, enquiry, 线索, 潛在客戶",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A field for a column. `confidence`: 0 to 100."""

    column: str
    field: str
    reason: Reason
    confidence: int


def suggest(definition: ObjectDef, rights: Rights, profiles: Sequence[Profile]) -> dict[str, Suggestion]:
    """Return at most one suggestion a column, by its header; a field is suggested once, for the column that fits it best."""
    fields = [definition.fields[name] for name in definition.fields if name in rights.editable(definition.name)]
    owner = definition.field("owner")
    if owner is not None:
        fields.append(owner)
    found = [each for profile in profiles for field in fields if (each := _judge(profile, field)) is not None]
    found += _named_like_the_object(definition, profiles) if definition.name_field in {field.name for field in fields} else []
    chosen: dict[str, Suggestion] = {}
    taken: set[str] = set()
    for each in sorted(found, key=lambda each: -each.confidence):
        if each.column not in chosen and each.field not in taken:
            chosen[each.column] = each
            taken.add(each.field)
    return chosen


def _named_like_the_object(definition: ObjectDef, profiles: Iterable[Profile]) -> list[Suggestion]:
    """Suggest the name field for a column that is called like the object: `account` in a file of accounts, `deal id` in one of deals."""
    labels = {plain(definition.name), *(plain(text) for text in (*definition.label.values(), *definition.plural.values()))}
    words = labels.union(*(row for row in OBJECTS if row & labels))
    words |= {f"{word} {part}" for word in words for part in ("name", "id", "no", "number")}
    return [
        Suggestion(column=each.name, field=definition.name_field, reason="synonym", confidence=75)
        for each in profiles
        if plain(each.name) in words
    ]


def _judge(profile: Profile, field: FieldDef) -> Suggestion | None:
    header = plain(profile.name)
    labels = [plain(text) for text in field.label.values()]
    reason: Reason
    if header == plain(field.name):
        reason, confidence = "name", 100
    elif header in labels:
        reason, confidence = "label", 95
    elif any(header in words and (plain(field.name) in words or set(labels) & words) for words in SYNONYMS):
        reason, confidence = "synonym", 80
    elif field.values and profile.distinct and _choices(profile, field) > 0.5:
        reason, confidence = "values", 70
    elif max(token_sort_ratio(header, text) for text in (plain(field.name), *labels)) >= LIKE:
        reason, confidence = "likeness", 60
    else:
        return None
    fit = _fit(profile, field)
    return Suggestion(column=profile.name, field=field.name, reason=reason, confidence=round(confidence * fit)) if fit else None


def _fit(profile: Profile, field: FieldDef) -> float:
    """Return how well the values suit the type of the field: 1, less when they probably do not, 0 when they cannot."""
    if not profile.filled:
        return 0.9
    match field.type:
        case "number" | "currency" | "percent":
            return 1.0 if profile.numbers else 0.0
        case "date":
            return 1.0 if profile.dates else 0.0
        case "picklist":
            return 0.8 + 0.2 * _choices(profile, field)
    return 1.0


def _choices(profile: Profile, field: FieldDef) -> float:
    """Return the share of the column's distinct values that the field's list has."""
    return sum(by_label(field, value) is not None for value in profile.distinct) / max(1, len(profile.distinct))


def plain(text: str) -> str:
    """Return a header or name as words in small letters, with single blanks: `Sales_Agent ` is `sales agent`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return " ".join(re.sub(r"[\W_]+", " ", spaced).lower().split())


def values_to_map(profile: Profile, field: FieldDef) -> Mapping[str, int]:
    """Return the values of the column that the field's list does not have, with how often each stands; the most frequent first."""
    return {value: count for value, count in profile.distinct.most_common() if by_label(field, value) is None}
