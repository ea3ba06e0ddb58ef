-- What tickets were promised is reckoned anew within seconds of whatever it depends on, whoever wrote that and how:
-- timers that resolvers/sla/timers.py does. Who reckons in the same transaction sets them anew. All of it is CREATE OR REPLACE.

-- Have a timer of the first argument's kind done now, about the row that the column of the second names; of none: about all.
CREATE OR REPLACE FUNCTION crm_promises_changed() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    INSERT INTO timers (organization_id, kind, row_id, due_at)
    VALUES ((changed ->> 'organization_id')::uuid, TG_ARGV[0],
            coalesce((changed ->> TG_ARGV[1])::uuid, '00000000-0000-0000-0000-000000000000'), now())
    ON CONFLICT (organization_id, kind, row_id)
    DO UPDATE SET due_at = least(timers.due_at, now()), attempts = 0, failed_at = NULL, last_error = NULL;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER crm_promises_insert
    AFTER INSERT ON tickets FOR EACH ROW
    WHEN (NEW.sla_reckoned_at IS NULL AND NEW.status NOT IN ('RESOLVED', 'CLOSED', 'MERGED'))
    EXECUTE FUNCTION crm_promises_changed('sla.ticket', 'id');
CREATE OR REPLACE TRIGGER crm_promises_update
    AFTER UPDATE OF status, type, priority, channel, customer_id, team_id, opened_at, first_answered_at, last_answer_at,
        last_customer_message_at ON tickets FOR EACH ROW
    WHEN (ROW(OLD.status, OLD.type, OLD.priority, OLD.channel, OLD.customer_id, OLD.team_id, OLD.opened_at,
              OLD.first_answered_at, OLD.last_answer_at, OLD.last_customer_message_at)
          IS DISTINCT FROM
          ROW(NEW.status, NEW.type, NEW.priority, NEW.channel, NEW.customer_id, NEW.team_id, NEW.opened_at,
              NEW.first_answered_at, NEW.last_answer_at, NEW.last_customer_message_at))
    EXECUTE FUNCTION crm_promises_changed('sla.ticket', 'id');

CREATE OR REPLACE TRIGGER crm_promises_update
    AFTER UPDATE OF segment ON customers FOR EACH ROW WHEN (OLD.segment IS DISTINCT FROM NEW.segment)
    EXECUTE FUNCTION crm_promises_changed('sla.customer', 'id');
CREATE OR REPLACE TRIGGER crm_promises_change
    AFTER INSERT OR DELETE ON key_accounts FOR EACH ROW
    EXECUTE FUNCTION crm_promises_changed('sla.customer', 'customer_id');

CREATE OR REPLACE TRIGGER crm_promises_change
    AFTER INSERT OR UPDATE OR DELETE ON sla_policies FOR EACH ROW EXECUTE FUNCTION crm_promises_changed('sla.all');
CREATE OR REPLACE TRIGGER crm_promises_change
    AFTER INSERT OR UPDATE OR DELETE ON business_calendars FOR EACH ROW EXECUTE FUNCTION crm_promises_changed('sla.all');
CREATE OR REPLACE TRIGGER crm_promises_change
    AFTER INSERT OR UPDATE OR DELETE ON holidays FOR EACH ROW EXECUTE FUNCTION crm_promises_changed('sla.all');
CREATE OR REPLACE TRIGGER crm_promises_update
    AFTER UPDATE OF calendar_id ON teams FOR EACH ROW WHEN (OLD.calendar_id IS DISTINCT FROM NEW.calendar_id)
    EXECUTE FUNCTION crm_promises_changed('sla.all');
