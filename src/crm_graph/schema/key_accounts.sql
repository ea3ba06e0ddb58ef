-- What always holds of key account plans and no constraint can say, and how a goal stands. All of it is CREATE OR REPLACE.

-- Of two plans of a key account no days are the same. One writer at a time for each account.
CREATE OR REPLACE FUNCTION crm_refuse_plan_overlap() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_key_account_plans'), hashtext(NEW.key_account_id::text));
    IF EXISTS (
        SELECT FROM key_account_plans p
         WHERE p.organization_id = NEW.organization_id AND p.key_account_id = NEW.key_account_id AND p.id <> NEW.id
           AND p.starts_on <= NEW.ends_on AND p.ends_on >= NEW.starts_on
    ) THEN
        RAISE exclusion_violation USING MESSAGE = 'two plans for a day', CONSTRAINT = 'ex_key_account_plans_starts_on';
    END IF;
    RETURN NULL;
END
$$;
-- After the write: what other transactions have committed by then, and what this statement has written, is seen.
CREATE OR REPLACE TRIGGER crm_refuse_plan_overlap
    AFTER INSERT OR UPDATE OF key_account_id, starts_on, ends_on ON key_account_plans FOR EACH ROW
    EXECUTE FUNCTION crm_refuse_plan_overlap();

-- How a goal stands: at or ahead of what is due by now, behind by so many percent of that at most, or by more.
CREATE OR REPLACE FUNCTION crm_goal_status(actual numeric, expected numeric, tolerance integer, fewer boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN behind IS NULL THEN NULL
                WHEN behind <= 0 THEN 'GREEN'
                WHEN behind <= abs(expected) * tolerance / 100 THEN 'AMBER'
                ELSE 'RED' END
      FROM (SELECT CASE WHEN fewer THEN actual - expected ELSE expected - actual END AS behind) x
$$;
