-- What keeps callers' caches true. Run after the tables exist; running it again is harmless.

-- Every process caches who its callers are and listens on this channel (auth/authentication.py). Triggers tell it, not
-- the code that writes, so that no way of writing can forget. The payload is what to forget:
--   <organisation>         everybody of it        <organisation>/<user>  one user        (empty)  all
-- PostgreSQL sends a payload once per transaction however often it is given, and only if the transaction commits.
CREATE OR REPLACE FUNCTION crm_forget_callers() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        PERFORM pg_notify('crm_callers', '');
    ELSIF TG_TABLE_NAME IN ('sessions', 'api_keys', 'oauth_families') THEN
        PERFORM pg_notify('crm_callers', format('%s/%s', OLD.organization_id, OLD.user_id));
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM pg_notify('crm_callers', NEW.organization_id::text);
    ELSE
        PERFORM pg_notify('crm_callers', OLD.organization_id::text);
    END IF;
    RETURN NULL;
END
$$;

-- A new user, session or key cannot be cached yet; a new team may lie below a cached one.
CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF status, roles, team_id, partner_id, customer_id, name, email ON users FOR EACH ROW
    WHEN ((OLD.status, OLD.roles, OLD.team_id, OLD.partner_id, OLD.customer_id, OLD.name, OLD.email)
          IS DISTINCT FROM (NEW.status, NEW.roles, NEW.team_id, NEW.partner_id, NEW.customer_id, NEW.name, NEW.email))
    EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

CREATE OR REPLACE TRIGGER crm_forget_callers_insert
    AFTER INSERT ON teams FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF parent_id ON teams FOR EACH ROW WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id)
    EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON teams FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON teams FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF name, currency, hosts ON organizations FOR EACH ROW
    WHEN ((OLD.name, OLD.currency, OLD.hosts) IS DISTINCT FROM (NEW.name, NEW.currency, NEW.hosts))
    EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON organizations FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

-- Not on last_used_at, which changes all day.
CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF revoked_at, expires_at, token_hash, user_id ON sessions FOR EACH ROW
    EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF revoked_at, expires_at, token_hash, user_id, scopes ON api_keys FOR EACH ROW
    EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE OR REPLACE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

-- Teams form a tree: who is in a circle of teams would have all of them. One writer at a time in an organisation, so that
-- two moves at once make no circle either.
CREATE OR REPLACE FUNCTION crm_refuse_team_circle() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_teams'), hashtext(NEW.organization_id::text));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT NEW.parent_id AS id
            UNION
            SELECT t.parent_id FROM above JOIN teams t ON t.organization_id = NEW.organization_id AND t.id = above.id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE check_violation USING MESSAGE = 'a team below itself', CONSTRAINT = 'ck_teams_parent_id';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_team_circle
    BEFORE INSERT OR UPDATE OF parent_id ON teams FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION crm_refuse_team_circle();

-- A host name as it is compared: without case, port and final dot.
CREATE OR REPLACE FUNCTION crm_host(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN rtrim(regexp_replace(lower(value COLLATE "C") COLLATE "C", ':[0-9]*$', ''), '.');

-- A host selects one organisation: whoever has it keeps it. An array has no unique index over several rows, hence a
-- trigger, one writer at a time. It looks at all organisations, so it runs as its owner, which sees them all while none
-- is bound; what it learns is one bit.
CREATE OR REPLACE FUNCTION crm_refuse_taken_host() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    bound text := coalesce(current_setting('crm.organization_id', true), '');
    taken boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_organizations_hosts'));
    PERFORM set_config('crm.organization_id', '', true);
    taken := EXISTS (
        SELECT FROM organizations o, unnest(o.hosts) AS theirs, unnest(NEW.hosts) AS ours
         WHERE o.id <> NEW.id AND crm_host(theirs) = crm_host(ours)
    );
    PERFORM set_config('crm.organization_id', bound, true);
    IF taken THEN
        RAISE unique_violation USING MESSAGE = 'another organisation has this host', CONSTRAINT = 'uq_organizations_hosts';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_taken_host
    BEFORE INSERT OR UPDATE OF hosts ON organizations FOR EACH ROW EXECUTE FUNCTION crm_refuse_taken_host();

-- Where reads are isolated, authentication has to find the organisation before it can bind it. These run as their owner
-- and say no more than that: the organisation of a token by its hash, and of a host name if it selects exactly one.
CREATE OR REPLACE FUNCTION crm_organization_of_token(hash bytea) RETURNS uuid
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    RETURN coalesce(
        (SELECT s.organization_id FROM sessions s WHERE s.token_hash = hash),
        (SELECT k.organization_id FROM api_keys k WHERE k.token_hash = hash));
CREATE OR REPLACE FUNCTION crm_organization_of_host(host text) RETURNS uuid
    LANGUAGE sql STABLE STRICT SECURITY DEFINER
    RETURN (
        SELECT CASE WHEN count(*) = 1 THEN (array_agg(o.id))[1] END FROM organizations o
         WHERE EXISTS (SELECT FROM unnest(o.hosts) AS theirs WHERE crm_host(theirs) = host));
REVOKE EXECUTE ON FUNCTION crm_organization_of_token(bytea), crm_organization_of_host(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm_organization_of_token(bytea), crm_organization_of_host(text) TO crm_graph_bound_reader;
