"""Text to tree: the lexer, the parser, precedence, and what is said about a text that is no expression.

Here: everything about how an expression is written.
Not here: what names and functions mean (`check`).

The grammar (`grammar.lark`) sees a chain of operators as one flat list; the table below settles who binds tighter. After a
mistake the parser goes on as if what is missing stood there, so that one text gets all its problems at once.
Source: spec/expressions.md, sections 1 and 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from typing import Any, NamedTuple

from lark import Lark
from lark.grammar import Rule
from lark.lexer import Lexer

from fieldstone.errors import Problem, Refused
from fieldstone.rules import bounds
from fieldstone.rules.tree import Application, Constant, Missing, Name, Operation, Place, Syntax, span_of
from fieldstone.rules.value_types import ValueType

# From loosest to tightest. `^` stands below `*`: 3 * 2 ^ 2 is 36.
PRECEDENCE = {
    operator: level
    for level, operators in enumerate(("||", "&&", "= <>", "< <= > >=", "+ - &", "^", "* /", "?"), start=1)
    for operator in operators.split()
}
SAME = {"==": "=", "!=": "<>"}  # two spellings of one operator
PRECEDENCE |= {spelling: PRECEDENCE[operator] for spelling, operator in SAME.items()}
UNKNOWN_OPERATOR = "?"  # put where an operator is missing; nobody can write it

SPACE = re.compile(r"(?:[ \t\f\r\n]+|/\*.*?\*/)*+", re.DOTALL)  # and comments
TOKEN = re.compile(  # the white space after it is passed over with it
    rf"""(?:(?P<NAME>[A-Za-z$][A-Za-z0-9_$.:\#]*)
    |(?P<OPEN>\()
    |(?P<CLOSE>\))
    |(?P<COMMA>,)
    |(?P<NUMBER>[0-9]+(?:\.[0-9]+)?)
    |(?P<TEXT>"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')
    |(?P<INFIX>==|<>|!=|<=|>=|&&|\|\||/(?!\*)|[*^&=<>])
    |(?P<SIGN>[-+])
    |(?P<PREFIX>!)){SPACE.pattern}""",
    re.VERBOSE | re.DOTALL,
)
# Characters that keyboards and word processors put where the language has another one, and what is meant by each.
MEANT = {
    **dict.fromkeys(";；，、", ","), "（": "(", "）": ")", "＝": "=", "＞": ">", "＜": "<", "＋": "+", "＆": "&", "＊": "*", "／": "/",
    **dict.fromkeys("－−–", "-"), "×": "*", "÷": "/", "≠": "<>", "≥": ">=", "≤": "<=", "！": "!", "%": " / 100", "％": " / 100",
}  # fmt: skip
QUOTED = re.compile('[“”„«「『＂]([^“”„«»「」『』＂"\\\\\r\n]*)[”“»」』＂]|[‘’‚]([^‘’‚"\\\\\r\n]*)[’‘]')
BETWEEN = {"AND": "&&", "OR": "||"}  # what people write between conditions
FOREIGN_WORD = re.compile(r"[^\W\d_]\w*")
WORDS = {"TRUE": (True, ValueType.BOOLEAN), "FALSE": (False, ValueType.BOOLEAN), "NULL": (None, ValueType.NULL)}
ESCAPE = re.compile(r"\\([\"'\\])")


class Token(NamedTuple):
    """A piece of the source: its kind as the grammar calls it, its text, where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def place(self) -> Place:
        return self.start, self.end


class TooManyProblems(Exception):
    """The text is beyond repair; what was found so far is told."""


@dataclass(slots=True)
class Findings:
    """The problems of one source text, in the order they were found."""

    source: str
    problems: list[Problem]

    def add(self, code: str, place: Place, *, suggestion: str | None = None, **params: object) -> None:
        self.put(code, place, params, suggestion)

    def put(self, code: str, place: Place, params: Mapping[str, object], suggestion: str | None = None) -> None:
        if any(p.span is not None and p.span.start == place[0] and p.code == code for p in self.problems):
            return
        self.problems.append(Problem(code=code, params=params, span=span_of(self.source, place), suggestion=suggestion))
        if len(self.problems) >= bounds.PROBLEMS:
            raise TooManyProblems


def parse(source: str) -> Syntax:
    """Return the tree of `source`. Raises Refused with every problem of the text, each with its span."""
    tree, problems = read(source)
    if problems:
        raise Refused(problems)
    return tree


def read(source: str) -> tuple[Syntax, tuple[Problem, ...]]:
    """Return the tree of `source`, with `Missing` where something should have been, and the problems of the text."""
    findings = Findings(source, [])
    whole = (0, len(source))
    tree: Syntax = Missing(whole)
    with suppress(TooManyProblems):
        if len(source) > bounds.SOURCE_CHARACTERS:
            findings.add("expression_too_long", whole, length=len(source), limit=bounds.SOURCE_CHARACTERS)
        else:
            tokens = list(_tokens(findings))
            if not _too_many(tokens, findings) and not _too_deep(tokens, findings):
                tree = _tree(tokens, findings)
    return tree, tuple(findings.problems)


def names(source: str) -> list[Place]:
    """Return where `source` names something that is not a function; also in a text with mistakes."""
    with suppress(TooManyProblems):
        tokens = [*_tokens(Findings(source[: bounds.SOURCE_CHARACTERS], [])), Token("$END", "", 0, 0)]
        return [token.place for token, after in pairwise(tokens) if token.kind == "NAME" and after.kind != "OPEN"]
    return []


# --- lexer -----------------------------------------------------------------------------------------------------------


def _tokens(findings: Findings) -> Iterator[Token]:
    source = findings.source
    at = _after_space(source, 0)
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            at = _after_space(source, (yield from _unreadable(at, findings)))
            continue
        kind = match.lastgroup
        assert kind is not None
        text, end = match[kind], match.end(kind)
        if kind == "NAME":
            upper = text.upper()
            if upper in WORDS:
                kind = "WORD"
            elif upper == "NOT":
                kind, text = "PREFIX", "!"
        elif kind == "TEXT" and not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
            findings.add("expression_bad_character", (at, end), character="\\ud800")
        elif kind == "TEXT" and "\0" in text:
            findings.add("expression_bad_character", (at, end), character="\\0")
        yield Token(kind, text, at, end)
        at = match.end()


def _after_space(source: str, at: int) -> int:
    """Return where the white space and the comments that stand at `at` end."""
    match = SPACE.match(source, at)
    assert match is not None
    return match.end()


def _unreadable(at: int, findings: Findings) -> Generator[Token, None, int]:
    """Say what is wrong at `at`, give a token in its place where that lets the parser go on, return where to go on."""
    source = findings.source
    character = source[at]
    if character in "\"'":
        end = min((i for i in (source.find("\n", at), source.find("\r", at)) if i >= 0), default=len(source))
        code = "expression_unterminated_text" if end == len(source) else "expression_line_break_in_text"
        findings.add(code, (at, end), quote=character)
        yield Token("MISSING", "", at, end)
        return end
    if source.startswith("/*", at):
        findings.add("expression_unterminated_comment", (at, at + 2))
        return len(source)
    if source.startswith("{!", at):
        end = source.find("}", at) + 1 or at + 2
        name = source[at + 2 : end - 1] if source[end - 1] == "}" else ""
        findings.add("expression_merge_field", (at, end), suggestion=name or None)
        yield Token("MISSING", "", at, end)
        return end
    if character == "." and source[at + 1 : at + 2].isdecimal():
        digits = re.compile("[0-9]+").match(source, at + 1)
        assert digits is not None
        findings.add("expression_number_without_zero", (at, digits.end()), suggestion=f"0.{digits[0]}")
    elif character == "." and at and source[at - 1].isdecimal():
        findings.add("expression_number_ends_in_point", (at - 1, at + 1))
    elif quoted := QUOTED.match(source, at):
        text = f'"{quoted[1] or quoted[2] or ""}"'
        findings.add("expression_bad_character", (at, quoted.end()), suggestion=text, character=character)
        yield Token("TEXT", text, at, quoted.end())
        return quoted.end()
    elif word := FOREIGN_WORD.match(source, at):
        findings.add("expression_bad_character", (at, word.end()), character=word[0])
        yield Token("MISSING", "", at, word.end())
        return word.end()
    else:
        meant = MEANT.get(character)
        findings.add("expression_bad_character", (at, at + 1), suggestion=meant, character=character)
        match = TOKEN.fullmatch(meant) if meant else None
        if match is not None and match.lastgroup is not None:
            yield Token(match.lastgroup, match[0], at, at + 1)
    return at + 1


def _too_many(tokens: list[Token], findings: Findings) -> bool:
    """Count what will be nodes of the tree: values, and operators other than those whose chain is one node."""
    if len(tokens) <= bounds.NODES:
        return False
    count = 0
    for token in tokens:
        count += token.kind not in ("OPEN", "CLOSE", "COMMA") and token.text not in ("&&", "||")
        if count > bounds.NODES:
            findings.add("expression_too_many_parts", token.place, limit=bounds.NODES)
            return True
    return False


def _too_deep(tokens: list[Token], findings: Findings) -> bool:
    """Count the depth before anything walks: open parentheses, and prefix operators still waiting for their operand."""
    if len(tokens) <= bounds.DEPTH:
        return False
    open_: list[int] = []  # the depth outside each open parenthesis
    depth = prefixes = 0
    value_expected = True
    for token in tokens:
        kind = token.kind
        if kind == "PREFIX" or (kind == "SIGN" and value_expected):
            prefixes += 1
        elif kind == "OPEN":
            open_.append(depth)
            depth += max(prefixes, 1)  # NOT( is one level, like the call it looks like
            prefixes = 0
        elif kind == "CLOSE" and open_:
            depth = open_.pop()
        if depth + prefixes > bounds.DEPTH:
            findings.add("expression_too_deep", token.place, limit=bounds.DEPTH)
            return True
        value_expected = kind in ("PREFIX", "OPEN", "COMMA", "INFIX", "SIGN")
        if not value_expected:
            prefixes = 0
    return False


# --- parser ----------------------------------------------------------------------------------------------------------


def _tree(tokens: list[Token], findings: Findings) -> Syntax:
    end = len(findings.source)
    if not tokens:
        if not findings.problems:
            findings.add("expression_empty", (0, end))
        return Missing((0, end))
    tokens.append(Token("$END", "", end, end))
    parser = Parser()
    if not parser.feed(*tokens):
        parser = _repaired(tokens, findings)
    result: Syntax = parser.values[0]
    return result


def _repaired(tokens: list[Token], findings: Findings) -> Parser:
    """Parse a text with mistakes: each is told, and what was missing put in."""
    parser, recovery = Parser(), Recovery(findings)
    for token in tokens:
        wanted = True
        while wanted:
            before = (parser.states.copy(), parser.values.copy())
            if parser.feed(token):
                recovery.went_by(token)
                break
            # The parser may have reduced before it noticed; go back to where it stood, see what would have fitted.
            parser.states, parser.values = before
            repair, wanted = recovery.repair(token, value_expected="NUMBER" in parser.steps)
            if repair is not None:
                parser.feed(repair)
    return parser


class Parser:
    """A run of the table that Lark makes of the grammar.

    Lark's own loop finds each rule by comparing it, and wraps each callback several times: it takes three times as long.
    """

    __slots__ = ("states", "values")

    def __init__(self) -> None:
        self.states = [START]
        self.values: list[Any] = []

    @property
    def steps(self) -> Mapping[str, Step]:
        """What may come now, by kind."""
        return TABLE[self.states[-1]]

    def feed(self, *tokens: Token) -> bool:
        """Take tokens, one after the other; tell whether they fit."""
        states, values = self.states, self.values
        for token in tokens:
            kind = token[0]
            while (state := states[-1]) != END:
                step = TABLE[state].get(kind)
                if step is None:
                    return False
                following, size, rule, build = step
                if build is None:
                    states.append(following)
                    values.append(token)
                    break
                made = build(*values[-size:])
                del states[-size:], values[-size:]
                states.append(GOTO[states[-1]][rule])
                values.append(made)
        return True


class Recovery:
    """How the parser goes on after a mistake: a token is put in, or one is left out."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.open: list[Token] = []
        self.left_out = 0  # opening parentheses that were left out: their closing ones are, too
        self.last: Token | None = None

    def went_by(self, token: Token) -> None:
        if token.kind == "OPEN":
            self.open.append(token)
        elif token.kind == "CLOSE":
            self.open.pop()
        self.last = token

    def repair(self, token: Token, value_expected: bool) -> tuple[Token | None, bool]:
        """Say what is wrong at `token`. Return what to put before it, and whether it is still wanted."""
        place = token.place
        if value_expected:
            code = "expression_value_expected_at_end" if token.kind == "$END" else "expression_value_expected"
            self.findings.add(code, place, found=self.findings.source[slice(*place)])
            return _inserted("MISSING", token), True
        if token.kind == "$END":
            self.findings.add("expression_unclosed", self.open.pop().place)
            return _inserted("CLOSE", token), True
        if token.kind == "CLOSE":
            if self.left_out:
                self.left_out -= 1
            else:
                self.findings.add("expression_nothing_to_close", place)
            return None, False
        if token.kind == "OPEN" and self.last is not None and self.last.kind == "WORD":
            self.findings.add("expression_word_not_function", self.last.place, word=self.last.text.upper())
            self.left_out += 1
            return None, False
        if token.kind == "COMMA":
            self.findings.add("expression_stray_comma", place)
            return _inserted("INFIX", token), False
        if between := BETWEEN.get(token.text.upper()):
            self.findings.add("expression_word_between", place, suggestion=between, word=token.text.upper())
            return Token("INFIX", between, *place), False
        self.findings.add("expression_operator_expected", place, found=self.findings.source[slice(*place)])
        return _inserted("INFIX", token), True


def _inserted(kind: str, before: Token) -> Token:
    return Token(kind, UNKNOWN_OPERATOR if kind == "INFIX" else "", before.start, before.start)


Linked = tuple[Any, ...]


class Build:
    """What each rule of the grammar becomes; called while parsing, with what the parts of the rule have become."""

    @staticmethod
    def number(token: Token) -> Syntax:
        return Constant(Decimal(token.text), ValueType.NUMBER, token.place)

    @staticmethod
    def text(token: Token) -> Syntax:
        return Constant(ESCAPE.sub(r"\1", token.text[1:-1]), ValueType.TEXT, token.place)

    @staticmethod
    def word(token: Token) -> Syntax:
        value, type_ = WORDS[token.text.upper()]
        return Constant(value, type_, token.place)

    @staticmethod
    def name(token: Token) -> Syntax:
        return Name(token.text, token.place)

    @staticmethod
    def missing(token: Token) -> Syntax:
        return Missing(token.place)

    @staticmethod
    def call(name: Token, opening: Token, arguments: Linked, closing: Token) -> Syntax:
        return Application(name.text, _unlinked(arguments)[::2], (name.start, closing.end), name.place)

    @staticmethod
    def bare_call(name: Token, opening: Token, closing: Token) -> Syntax:
        return Application(name.text, (), (name.start, closing.end), name.place)

    @staticmethod
    def group(opening: Token, inner: Syntax, closing: Token) -> Syntax:
        place = (opening.start, closing.end)
        if isinstance(inner, Operation):
            return Operation(inner.operator, inner.operands, place, inner.operator_place, in_parentheses=True)
        grouped: Syntax = replace(inner, place=place)
        return grouped

    @staticmethod
    def prefixed(operator: Token, operand: Syntax) -> Syntax:
        return Operation(operator.text, (operand,), (operator.start, operand.place[1]), operator.place)

    @staticmethod
    def alone(inner: Syntax) -> Syntax:
        return inner

    @staticmethod
    def linked(*found: Any) -> Linked:
        """Lists grow by links (all before, separator, next): the parser may go back, so none may change."""
        return found

    @staticmethod
    def ordered(chain: Linked) -> Syntax:
        return by_precedence(_unlinked(chain))


def _unlinked(linked: Linked) -> tuple[Any, ...]:
    """Return the flat list first, separator, second ... of links."""
    flat: list[Any] = []
    while True:
        flat += reversed(linked[1:])
        inner = linked[0]
        if type(inner) is not tuple:
            return (inner, *reversed(flat))
        linked = inner


def by_precedence(chain: tuple[Any, ...]) -> Syntax:
    """Return the tree of a flat list operand, operator, operand ...; all operators are left-associative."""
    operands: list[Syntax] = [chain[0]]
    operators: list[Token] = []

    def reduce() -> None:
        operator = operators.pop()
        right, left = operands.pop(), operands.pop()
        name = SAME.get(operator.text, operator.text)
        place = (left.place[0], right.place[1])
        if name in ("&&", "||") and isinstance(left, Operation) and left.operator == name and not left.in_parentheses:
            operands.append(replace(left, operands=(*left.operands, right), place=place))
        else:
            operands.append(Operation(name, (left, right), place, operator.place))

    for operator, operand in zip(chain[1::2], chain[2::2], strict=True):
        level = PRECEDENCE[operator.text]
        while operators and PRECEDENCE[operators[-1].text] >= level:
            reduce()
        operators.append(operator)
        operands.append(operand)
    while operators:
        reduce()
    return operands[0]


# --- the table -------------------------------------------------------------------------------------------------------

# The state that follows on a token; or how many values a rule takes, its name, and what makes one of them.
Step = tuple[int, int, str, Callable[..., Any] | None]


class Handed(Lexer):
    """The tokens are handed to the parser one by one: Lark's own lexer has nothing to do."""

    def __init__(self, conf: object) -> None:
        """Lark hands every lexer its configuration."""

    def lex(self, *_: object) -> Iterator[Any]:
        return iter(())


LARK = Lark(files("fieldstone.rules").joinpath("grammar.lark").read_text("utf-8"), parser="lalr", lexer=Handed)
CONF = LARK.parse_interactive("").parser_state.parse_conf
START, END = CONF.start_state, CONF.end_state


def _step(action: object, to: Any) -> Step:
    if not isinstance(to, Rule):
        return to, 0, "", None
    return 0, len(to.expansion), str(to.origin.name), getattr(Build, to.alias or str(to.origin.name))


# Lark's names are texts of a class of its own, which compares slowly.
TABLE = {state: {str(kind): _step(*step) for kind, step in steps.items() if kind.isupper()} for state, steps in CONF.states.items()}
GOTO = {state: {str(rule): to for rule, (_, to) in steps.items() if not rule.isupper()} for state, steps in CONF.states.items()}
