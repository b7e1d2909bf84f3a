"""What our decision about a third party's component says: whether it may be used."""

from __future__ import annotations

import re

# What a decision begins with that lets nobody use the component; "no objections" lets everybody.
REFUSED = re.compile(
    r"\W*(no(?!\.\s*\d|\s+(objection|concern|reservation))|not(?!\s+before\b)|reject\w*|refus\w*|declin\w*|forb[ia]d\w*)\b"
    r"|(?!\W*yes\b)((?!\b(may|can) be used\b|\b(approved|accepted)\b).)*"
    r"\b(may|must|can|should|shall|is|are)\s*(not|never)\s+((yet|to)\s+)*(be\s+|go\s+)?"
    r"(used?|approved|accepted|allowed|permitted|released?|deployed|taken|put|into|live|relied|fit|suitable|ready|good)\b",
    re.IGNORECASE | re.DOTALL,
)
# What lets a component be used. What says neither, such as "pending" or "suspended", lets nobody use it.
PERMITTED = re.compile(
    r"\b(yes|go|use(d|s|able)?|deploy(ed)?|keep|continue[sd]?|approve[sd]?|accept(s|ed|able)?|allow(s|ed)?|permit(s|ted)?|"
    r"release[sd]?|cleared|fit|suitable|adequate|good enough|"
    r"no (objections?|concerns?|reservations?)|not before)\b",
    re.IGNORECASE,
)
# What takes such a word back: a state that waits, or an end.
SUSPENDED = re.compile(
    r"\b(pending|undecided|deferred|postponed|suspend(s|ed)?|withdrawn|stop(s|ped)?|halt(s|ed)?|ended?|"
    r"on hold|open question|until (it is )?(decided|reviewed|approved))\b",
    re.IGNORECASE,
)
# What denies it further on, unless something was permitted before: "approved; its use by children is banned".
DENIED = re.compile(
    r"((?!\b(yes|approved|accepted|(may|can) be used)\b).)*"
    r"\b(refused|rejected|declined|denied|forbidden|prohibited|banned|no[- ]go)\b",
    re.IGNORECASE | re.DOTALL,
)


def permits(decision: str) -> bool:
    """Return whether a decision about a component lets it be used."""
    return bool(PERMITTED.search(decision)) and not (
        REFUSED.match(decision) or DENIED.match(decision) or SUSPENDED.search(decision)
    )
