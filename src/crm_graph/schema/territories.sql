-- Shares that coverages come to: a row of customer_shares for each customer that a territory or segment holds.
-- Kept in the transaction that changes a customer, a territory or a coverage, so that the lens probes one table.

CREATE OR REPLACE FUNCTION crm_cover(organization uuid, coverage uuid, changed uuid[]) RETURNS void
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- who changes customers at the same time does not see the coverage, nor it them: one kind of change at a time
    IF changed IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('crm_cover'), hashtext(organization::text));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtext('crm_cover'), hashtext(organization::text));
    END IF;
    IF NOT EXISTS (SELECT FROM partner_coverages c WHERE c.organization_id = organization) THEN
        RETURN;
    END IF;
    -- the plan depends on how many there are: a few by their ids, or all of them
    EXECUTE $sql$
    WITH RECURSIVE held AS (
        SELECT c.id AS coverage_id, c.territory_id FROM partner_coverages c
         WHERE c.organization_id = $1 AND ($2 IS NULL OR c.id = $2)
         UNION
        SELECT h.coverage_id, t.id FROM held h
          JOIN territories t ON t.organization_id = $1 AND t.parent_id = h.territory_id
    ), wanted AS (
        SELECT DISTINCT k.id AS customer_id, c.id AS coverage_id, c.partner_id, c.level, c.valid_from, c.valid_until
          FROM partner_coverages c
          JOIN held h ON h.coverage_id = c.id
          LEFT JOIN territories t ON t.organization_id = $1 AND t.id = h.territory_id
          JOIN customers k ON k.organization_id = $1 AND (c.segment IS NULL OR k.segment = c.segment)
           AND (t.id IS NULL OR k.territory_id = t.id
                OR k.territory_id IS NULL AND num_nonnulls(t.country, t.city, t.segment) > 0
                   AND (t.country IS NULL OR k.country = t.country)
                   AND (t.segment IS NULL OR k.segment = t.segment)
                   AND (t.city IS NULL OR crm_fold(k.city) = crm_fold(t.city)))
         WHERE c.organization_id = $1$sql$ || CASE WHEN changed IS NULL THEN '' ELSE ' AND k.id = ANY ($3)' END || $sql$
    ), gone AS (
        DELETE FROM customer_shares s
         WHERE s.organization_id = $1 AND s.coverage_id IS NOT NULL AND ($2 IS NULL OR s.coverage_id = $2)
           AND ($3 IS NULL OR s.customer_id = ANY ($3))
           -- not in, which is looked up in a hash, for however few the planner takes those that are wanted
           AND (s.coverage_id, s.customer_id) NOT IN (SELECT w.coverage_id, w.customer_id FROM wanted w)
    )
    INSERT INTO customer_shares AS s (organization_id, id, version, created_at, updated_at, customer_id, coverage_id,
                                      partner_id, level, valid_from, valid_until)
    SELECT $1, md5(w.coverage_id::text || w.customer_id::text)::uuid, 1, now(), now(), w.customer_id, w.coverage_id,
           w.partner_id, w.level, w.valid_from, w.valid_until
      FROM wanted w
        ON CONFLICT (organization_id, coverage_id, customer_id) DO UPDATE
       SET level = EXCLUDED.level, valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until,
           version = s.version + 1, updated_at = now()
     WHERE (s.level, s.valid_from, s.valid_until) IS DISTINCT FROM (EXCLUDED.level, EXCLUDED.valid_from, EXCLUDED.valid_until)
    $sql$ USING organization, coverage, changed;
END
$$;

-- Those that moved. EXCEPT, not a join: whichever plan the session keeps, it reads either side once.
CREATE OR REPLACE FUNCTION crm_cover_customer() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT organization_id, array_agg(id) AS ids
          FROM (SELECT organization_id, id, segment, country, city, territory_id FROM new_rows
                EXCEPT SELECT organization_id, id, segment, country, city, territory_id FROM old_rows) moved
         GROUP BY organization_id
    LOOP
        PERFORM crm_cover(found.organization_id, NULL, found.ids);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION crm_cover_customers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT organization_id, array_agg(id) AS ids FROM new_rows GROUP BY organization_id LOOP
        PERFORM crm_cover(found.organization_id, NULL, found.ids);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION crm_cover_coverage() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM crm_cover(NEW.organization_id, NEW.id, NULL);
    RETURN NULL;
END
$$;

-- One without a parent is in no coverage when it is made, nor any more when it is deleted.
CREATE OR REPLACE FUNCTION crm_cover_territory() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    organizations uuid[];
    organization uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        organizations := ARRAY(SELECT DISTINCT organization_id FROM new_rows WHERE parent_id IS NOT NULL);
    ELSIF TG_OP = 'DELETE' THEN
        organizations := ARRAY(SELECT DISTINCT organization_id FROM old_rows WHERE parent_id IS NOT NULL);
    ELSE
        organizations := ARRAY(
            SELECT DISTINCT organization_id
              FROM (SELECT organization_id, id, parent_id, country, city, segment FROM new_rows
                    EXCEPT SELECT organization_id, id, parent_id, country, city, segment FROM old_rows) changed);
    END IF;
    FOREACH organization IN ARRAY organizations LOOP
        PERFORM crm_cover(organization, NULL, NULL);
    END LOOP;
    RETURN NULL;
END
$$;

-- What ends a coverage locks before it has a row: a customer's writer may hold the lock and wait for that row's key. Of
-- an owner who has bound no organisation, the row tells.
CREATE OR REPLACE FUNCTION crm_cover_lock() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        PERFORM pg_advisory_xact_lock(hashtext('crm_cover'), hashtext(OLD.organization_id::text));
        RETURN OLD;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('crm_cover'), hashtext(crm_organization()::text));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER crm_cover_inserted AFTER INSERT ON customers
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_customers();
CREATE OR REPLACE TRIGGER crm_cover_updated AFTER UPDATE ON customers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_customer();
CREATE OR REPLACE TRIGGER crm_cover AFTER INSERT ON partner_coverages FOR EACH ROW
    EXECUTE FUNCTION crm_cover_coverage();
CREATE OR REPLACE TRIGGER crm_cover_updated AFTER UPDATE ON partner_coverages FOR EACH ROW
    WHEN ((OLD.territory_id, OLD.segment, OLD.level, OLD.valid_from, OLD.valid_until)
          IS DISTINCT FROM (NEW.territory_id, NEW.segment, NEW.level, NEW.valid_from, NEW.valid_until))
    EXECUTE FUNCTION crm_cover_coverage();
CREATE OR REPLACE TRIGGER crm_cover_locks BEFORE DELETE ON partners
    FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_lock();
CREATE OR REPLACE TRIGGER crm_cover_locks BEFORE DELETE ON partner_coverages
    FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_lock();
CREATE OR REPLACE TRIGGER crm_cover_locks_row BEFORE DELETE ON partner_coverages
    FOR EACH ROW EXECUTE FUNCTION crm_cover_lock();
CREATE OR REPLACE TRIGGER crm_cover_inserted AFTER INSERT ON territories
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_territory();
CREATE OR REPLACE TRIGGER crm_cover_updated AFTER UPDATE ON territories
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_territory();
CREATE OR REPLACE TRIGGER crm_cover_deleted AFTER DELETE ON territories
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_cover_territory();

-- A territory is not part of itself. One at a time, as two that are each made part of the other would not see it.
CREATE OR REPLACE FUNCTION crm_refuse_territory_circle() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_territories'), hashtext(NEW.organization_id::text));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT NEW.parent_id AS id
             UNION
            SELECT t.parent_id FROM above a JOIN territories t ON t.organization_id = NEW.organization_id AND t.id = a.id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_territories_parent_id',
            MESSAGE = 'a territory would be part of itself';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER crm_refuse_circle BEFORE INSERT OR UPDATE OF parent_id ON territories FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION crm_refuse_territory_circle();
