"""The service user that an app acting on its own is: made by whoever approves the app, with what they may give."""

from collections.abc import Sequence

from crm_graph.auth.oauth.partner_reach import roles_of
from crm_graph.auth.oauth.review import Reviewed
from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY
from crm_graph.plan.changes import Action, Change, Outcome, UserError, invalid, refusal
from crm_graph.plan.signatures import Ask
from crm_graph.plan.writes.write import write


async def service_user(ask: Ask, app: Reviewed, roles: Sequence[str]) -> Outcome:
    """Make it: an ordinary write of the approver, who gives roles as they would give them to anybody.

    A partner's has roles that the partner's people have, and no others.
    """
    if not roles:
        return Outcome.refused(invalid("An app that acts on its own needs the roles that it is to have.", "roles"))
    values: dict[str, object] = {"name": app.name, "jobTitle": "Integration", "roles": [*dict.fromkeys(roles)]}
    if app.partner_id is not None:
        theirs = await roles_of(await ask.tx.raw(), ask.actor.organization_id, app.partner_id)
        if not theirs.issuperset(roles):
            message = "The app's partner has nobody with these roles, so that the app may not have them either."
            return refusal("ROLE_BEYOND_PARTNER", message, "roles")
        values["partnerId"] = encode(REGISTRY["Partner"].__prefix__, app.partner_id)
    made = await write(ask.tx, ask.actor, Change("User", Action.CREATE, values=values), request_id=ask.request_id)
    return Outcome.refused(*map(_placed, made.errors)) if made.errors else made


def _placed(error: UserError) -> UserError:
    """The error as the approval's: of the user's fields it has the roles alone."""
    return UserError(error.code, error.message, ("roles",) if error.field[:1] == ("roles",) else ())
