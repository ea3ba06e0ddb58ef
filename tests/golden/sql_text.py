"""A statement broken into lines, so that a change of it can be read in a diff. It stays the same statement."""

import re

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|[()]|\s+|[^\s()'\"]+")
_CLAUSES = {"SELECT", "FROM", "WHERE", "ORDER", "LIMIT", "UNION", "WITH", "CROSS"}
_SHORT = 100


def pretty(sql: str) -> str:
    """Each clause, and each sub-select too long for one line, on lines of their own."""
    return "\n".join(_lines(_nested(_TOKEN.findall(sql)), 0)) + "\n"


Tree = list["str | Tree"]


def _nested(tokens: list[str]) -> Tree:
    stack: list[Tree] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(" " if token.isspace() else token)
    assert len(stack) == 1, "the brackets of a statement match"
    return stack[0]


def _flat(tree: Tree) -> str:
    return "".join(part if isinstance(part, str) else f"({_flat(part)})" for part in tree)


def _lines(tree: Tree, depth: int) -> list[str]:
    pad, lines = "  " * depth, [""]
    for part in tree:
        if isinstance(part, list):
            flat = _flat(part)
            if (len(flat) <= _SHORT and "SELECT" not in flat) or len(flat) <= _SHORT // 2:
                lines[-1] += f"({flat})"
            else:
                lines[-1] += "("
                lines += [line if line.startswith("  ") else pad + "  " + line for line in _lines(part, depth + 1)]
                lines.append(pad + ")")
        elif part in _CLAUSES and lines[-1].strip() and not lines[-1].endswith(("(", "WITH ")):
            lines.append(pad + part)
        else:
            lines[-1] += part if lines[-1].strip() or part != " " else ""
    return [(line if line.startswith(pad) else pad + line).rstrip() for line in lines if line.strip()]
