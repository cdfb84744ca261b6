"""How large an expression may be, and its values while it runs.

Here: the bounds and why each stands where it does.
Not here: who counts (the lexer in `parse` counts depth before anything recurses, `check` nodes, arguments and steps, `functions/` sizes).
Source: spec/security.md, section 4; spec/expressions.md, section 1.
"""

SOURCE_CHARACTERS = 3_900
DEPTH = 100  # parentheses, calls and stacked prefix operators; a flat chain is one level
NODES = 2_000
ARGUMENTS = 64
RELATIONSHIPS = 5  # hops of one reference
INLINED_NODES = 10_000  # the formula fields read in place included: each may be read many times over
PROBLEMS = 20  # told at once; a text with more is no expression

STEPS = 50_000_000  # characters that one evaluation may have to go through; there are no loops, so that it is known before
TEXT_CHARACTERS = 100_000  # of a text that a function makes
SHORT_TEXT = 255  # of a field that does not say how long it may be
NUMBER_TEXT = 2_000  # of any value but a text, written as one
DIGITS = 39  # significant digits of arithmetic
EXPONENT = 1_000  # numbers stay below 10^1000 in size, and are 0 below 10^-1038

PATTERN_CHARACTERS = 1_000
PATTERN_MEMORY = 8 << 20  # bytes of a compiled pattern; with 1 or 2 MiB ordinary patterns are refused
PATTERN_WEIGHT = 100_000  # of all patterns of an expression, their repetitions written out: some 130 ms to compile
PATTERN_INPUT = 100_000
PATTERNS_KEPT = 500  # compiled patterns of this process

SQL_CHARACTERS = 200_000  # of the SQL text of one expression
