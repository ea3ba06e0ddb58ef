"""What names of companies are made of besides the name itself. Plain letters (`letters.py`), a word of each language.

What tells two companies apart is none of these: a foundation, a holding, a bank or a branch is a customer of its own.
"""

import re
from typing import Final

LEGAL_FORMS: Final = """
ag, aktiengesellschaft, kgaa, kg, kommanditgesellschaft, ohg, gbr, ek, efrau, ev, eg, ug, haftungsbeschrankt
mbh, gmbh, gesmbh, ges mbh, gesellschaft mit beschrankter haftung, gesellschaft mbh, co, se, eu, gen, ggmbh
partg, sarl, sa, sas, sasu, eurl, sci, snc, sca, societe anonyme, societe a responsabilite limitee, spa, srl
srls, sapa, ss, societa per azioni, societa a responsabilita limitata, sl, slu, sau, sociedad limitada
sociedad anonima, sa de cv, s de rl de cv, lda, ltda, limitada, sgps, sociedade anonima, inc, incorporated, corp
corporation, company, co ltd, ltd, limited, llc, llp, lp, plc, pllc, pc, limited liability company
public limited company, pty, pty ltd, proprietary limited, pvt, pvt ltd, private limited, pte, pte ltd, bhd
sdn bhd, bv, nv, vof, cv, besloten vennootschap, naamloze vennootschap, bvba, sprl, as, asa, ans, aktieselskab
aksjeselskap, aps, anpartsselskab, ab, aktiebolag, hb, handelsbolag, oy, oyj, osakeyhtio, ky, sp zoo, spzoo
spolka z ograniczona odpowiedzialnoscia, spolka akcyjna, sp k, sp j, spj, sro, spol sro, akciova spolecnost, kft
nyrt, zrt, bt, korlatolt felelossegu tarsasag, doo, dd, ad, eood, ood, ae, epe, ike, oe, anonymi etaireia, ooo
oao, zao, pao, ao, ip, tov, prat, pat, too, uab, sia, ou, as anonim sirketi, anonim sirketi, limited sirketi
ltd sti, kk, kabushiki kaisha, yk, yugen kaisha, gk, godo kaisha, jsc, pjsc, ojsc, cjsc, wll, fze, fzco, fz llc
"""
"""Legal forms of companies: they are left off from the end, and from the start (`ООО`, `PT`)."""

FRONT: Final = """
fa, firma, the, messrs, pt, ud, ooo, oao, zao, pao, ao, ip, tov, prat, pat, too, uab, sia, sarl, sas, sci, eurl
"""
"""Titles, and legal forms that stand before a name."""

ASIDES: Final = """
dba, trading as, doing business as, aka, fka, formerly, vormals, vorm, ehemals, ehem, inh, inhaber, inhaberin
prop, proprietor, zhd, z hd, attn
"""
"""What begins something said besides the name: who owns it, what it was called, where its mail goes."""

STANDINGS: Final = """
zentrale, hauptsitz, hauptverwaltung, headquarters, head office, hq, siege social, il, ia, in liquidation, in abwicklung
in insolvenz, en liquidation
"""
"""The company itself as an address names it (a branch is not), or how it stands (`i. L.`); left off from the end."""

JOINERS: Final = frozenset(
    {"and", "und", "et", "y", "e", "og", "och", "ja", "en", "i", "of", "der", "die", "das", "de"}
)
"""Words that join others. `e`, `y` and `i` join only between words, `M & K` keeps its letters."""

_SHORT: Final = """
intl international, natl national, assn association, assoc associates, bros brothers, mfg manufacturing
mgmt management, svc service, svcs services, dept department, govt government, hldg holding, hldgs holdings
grp group, ctr center, centre center, st sankt, saint sankt, dr doktor, doctor doktor, prof professor
gebr gebruder, cie compagnie, ets etablissements, hnos hermanos, mt mount, labs laboratories
"""
ABBREVIATIONS: Final = dict(pair.split() for line in _SHORT.strip().splitlines() for pair in line.split(","))
"""Usual abbreviations of words in names."""

_COUNTED: Final = """one eins ein un uno
two zwei deux dos due
three drei trois tres tre
four vier quatre cuatro quattro
five funf cinq cinco cinque
six sechs seis sei
seven sieben sept siete sette
eight acht huit ocho otto
nine neun neuf nueve nove
ten zehn dix diez dieci
eleven elf onze once undici
twelve zwolf douze doce dodici"""
NUMBERS: Final = {word: str(n) for n, line in enumerate(_COUNTED.splitlines(), 1) for word in line.split()}
"""Numbers in words."""


def by_word(text: str, *, last: bool = False) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The sequences of words in one of the lists above by their first word (or last), the longest first."""
    parts = {tuple(part.split()) for line in text.splitlines() for part in line.split(",") if part.strip()}
    found: dict[str, list[tuple[str, ...]]] = {}
    for sequence in sorted(parts, key=lambda words: (-len(words), words)):
        found.setdefault(sequence[-1 if last else 0], []).append(sequence)
    return {word: tuple(sequences) for word, sequences in found.items()}


def left_off() -> frozenset[str]:
    """The single words that `functions.sql` leaves off wherever they stand."""
    words = {word for text in (LEGAL_FORMS, FRONT, STANDINGS) for word in re.split(r"[\s,]+", text)}
    return frozenset(word for word in (*words, *JOINERS, "spol", "sp") if len(word) > 1)
