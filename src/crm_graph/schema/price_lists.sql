-- What always holds of products and price lists and no constraint can say. All of it is CREATE OR REPLACE.

-- Categories form a tree. One writer at a time in an organisation, so that two moves at once make no circle either.
CREATE OR REPLACE FUNCTION crm_refuse_category_circle() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_product_categories'), hashtext(NEW.organization_id::text));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT NEW.parent_id AS id
            UNION
            SELECT c.parent_id FROM above
              JOIN product_categories c ON c.organization_id = NEW.organization_id AND c.id = above.id
        )
        SELECT FROM above WHERE id = NEW.id
    ) THEN
        RAISE check_violation USING MESSAGE = 'a category below itself', CONSTRAINT = 'ck_product_categories_parent_id';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_category_circle
    BEFORE INSERT OR UPDATE OF parent_id ON product_categories FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
    EXECUTE FUNCTION crm_refuse_category_circle();

-- No bundle is in itself, however deep.
CREATE OR REPLACE FUNCTION crm_refuse_bundle_circle() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('crm_bundle_items'), hashtext(NEW.organization_id::text));
    IF EXISTS (
        WITH RECURSIVE inside AS (
            SELECT NEW.component_id AS id
            UNION
            SELECT b.component_id FROM inside
              JOIN bundle_items b ON b.organization_id = NEW.organization_id AND b.bundle_id = inside.id
        )
        SELECT FROM inside WHERE id = NEW.bundle_id
    ) THEN
        RAISE check_violation USING MESSAGE = 'a bundle in itself', CONSTRAINT = 'ck_bundle_items_component_id';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_bundle_circle
    BEFORE INSERT OR UPDATE OF bundle_id, component_id ON bundle_items FOR EACH ROW
    EXECUTE FUNCTION crm_refuse_bundle_circle();

-- Percents go off a list of prices in the same currency. What decides that never changes on a list.
CREATE OR REPLACE FUNCTION crm_refuse_price_list_base() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM price_lists b
         WHERE b.organization_id = NEW.organization_id AND b.id = NEW.base_list_id
           AND b.kind = 'ABSOLUTE' AND b.currency = NEW.currency
    ) THEN
        RAISE check_violation USING MESSAGE = 'no base of such a list', CONSTRAINT = 'ck_price_lists_base_list_id';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_refuse_price_list_base
    BEFORE INSERT OR UPDATE OF base_list_id, currency ON price_lists FOR EACH ROW WHEN (NEW.base_list_id IS NOT NULL)
    EXECUTE FUNCTION crm_refuse_price_list_base();

-- An entry says what its list is made of: prices in its currency, or percents.
CREATE OR REPLACE FUNCTION crm_fit_price_list() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    list record;
BEGIN
    SELECT kind, currency INTO list FROM price_lists l
     WHERE l.organization_id = NEW.organization_id AND l.id = NEW.price_list_id;
    IF NOT FOUND THEN
        RETURN NEW;  -- its foreign key refuses it
    END IF;
    IF (list.kind <> 'ABSOLUTE') <> (NEW.percent_off IS NOT NULL) THEN
        RAISE check_violation USING MESSAGE = 'a price in a list of percents, or the other way round',
            CONSTRAINT = CASE list.kind WHEN 'ABSOLUTE' THEN 'ck_price_list_entries_unit_price'
                                        ELSE 'ck_price_list_entries_percent_off' END;
    END IF;
    IF NEW.unit_price IS NOT NULL AND NEW.currency <> list.currency THEN
        RAISE check_violation USING MESSAGE = 'a price in another currency than its list',
            CONSTRAINT = 'ck_price_list_entries_unit_price';
    END IF;
    NEW.currency := list.currency;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER crm_fit_price_list
    BEFORE INSERT OR UPDATE OF price_list_id, unit_price, percent_off, currency ON price_list_entries FOR EACH ROW
    EXECUTE FUNCTION crm_fit_price_list();
