"""Print the two letter lists of `crm_fold` in src/crm_graph/db/functions.sql.

They map what neither NFKD nor ASCII lower case reaches: capitals without a decomposition (Latin, Greek, Cyrillic,
Armenian, Georgian) to their small letters, and Latin letters with strokes and hooks to their base letter. The lists
stand in the SQL as text, so that folding does not depend on a server's Unicode tables. A test compares them with this.
"""

import unicodedata

BLOCKS = ((0x00C0, 0x024F), (0x0370, 0x03FF), (0x0400, 0x052F), (0x0531, 0x0556), (0x1E00, 0x1EFF), (0x1C90, 0x1CBF))
BASE = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "n", "ĸ": "k", "ƒ": "f", "ς": "σ"}
SPELT = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}


def letters() -> tuple[str, str]:
    """Letters to replace, and their replacements at the same places."""
    pairs: dict[str, str] = dict(BASE)
    for first, last in BLOCKS:
        for letter in map(chr, range(first, last + 1)):
            small = letter.lower()
            if len(small) == 1 and small != letter and unicodedata.normalize("NFKD", letter) == letter:
                small = unicodedata.normalize("NFKD", small)
                pairs[letter] = BASE.get(small, small)
    for small, spelt in SPELT.items():
        capital = "ẞ" if small == "ß" else small.upper()
        pairs[capital] = small
        assert len(spelt) == 2
    ordered = sorted((old, new) for old, new in pairs.items() if len(new) == 1)
    return "".join(old for old, _ in ordered), "".join(new for _, new in ordered)


if __name__ == "__main__":
    for line in letters():
        print(line)
