"""Rights that are not about rows and fields: what a role may do besides reading and writing records."""

import enum


class Right(enum.StrEnum):
    """A right. Its value is also the scope without which an app does not have it."""

    POLICY_READ = "policy:read"
    """See the access policy, and explain what others see."""
    POLICY_WRITE = "policy:write"
    """Change the access policy and the roles that people have."""
    ACCESS_VIEW_AS = "access:view_as"
    """Look as somebody else; never write as them."""
    RECORDS_ASSIGN = "records:assign"
    """Change what decides who sees a record: owner, team, partner."""
    CHANGES_APPROVE = "changes:approve"
    """Decide about changes that others have asked for."""
    PEOPLE_MANAGE = "people:manage"
    """Invite people, suspend them, give them roles: those of the caller's partner; all, where there is none."""
    APPS_REGISTER = "apps:register"
    """Ask for apps, and look after one's own: whoever works for a partner, after that partner's."""
    APPS_REVIEW = "apps:review"
    """Decide about apps that are asked for, and stop those that work."""


RIGHTS = frozenset(right.value for right in Right)


def within(rights: frozenset[Right], scopes: frozenset[str]) -> frozenset[Right]:
    """The rights that are left within these scopes, which name each of them: `*` stands for records alone.

    Who may write the policy may read it, who reviews apps may list them.
    """
    named = {Right(text) for text in scopes & RIGHTS}
    return rights & (named | {_WITH[right] for right in named if right in _WITH})


_WITH = {Right.POLICY_WRITE: Right.POLICY_READ, Right.APPS_REVIEW: Right.APPS_REGISTER}
