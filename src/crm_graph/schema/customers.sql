-- What always holds of customers and no constraint can say. All of it is CREATE OR REPLACE.

-- Customers form trees: no company is above itself. One writer at a time in an organisation, so that two moves at once
-- make no circle either.
CREATE OR REPLACE FUNCTION crm_refuse_customer_circle() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_customers'), hashtext(NEW.organization_id::text));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT NEW.parent_id AS id
            UNION
            SELECT c.parent_id FROM above
              JOIN customers c ON c.organization_id = NEW.organization_id AND c.id = above.id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE check_violation USING MESSAGE = 'a customer below itself', CONSTRAINT = 'ck_customers_parent_id';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_customer_circle
    BEFORE INSERT OR UPDATE OF parent_id ON customers FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION crm_refuse_customer_circle();
