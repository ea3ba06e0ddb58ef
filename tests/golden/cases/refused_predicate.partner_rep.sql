SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name"
    FROM products t1
    WHERE t1.organization_id = $1::uuid AND (t1.active) AND EXISTS (
      SELECT 1
      FROM opportunities t2
      WHERE t2.organization_id = $1::uuid AND (
        t2.partner_id = $3::uuid OR (
          (
            t2.id IN (
              SELECT sh.opportunity_id
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) IS TRUE
        )
      ) AND t2.product_id = t1.id AND CASE WHEN (
        t2.partner_id = $3::uuid OR (
          (
            t2.id IN (
              SELECT sh.opportunity_id
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
            )
          ) IS TRUE
        )
      ) THEN t2.product_id END = t1.id AND EXISTS (
        SELECT 1
        FROM customers t3
        WHERE t3.organization_id = $1::uuid AND (
          (
            (
              t3.id IN (
                SELECT sh.customer_id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              )
            ) IS TRUE
          )
        ) AND t2.customer_id = t3.id AND CASE WHEN (
          t2.partner_id = $3::uuid OR (
            (
              t2.id IN (
                SELECT sh.opportunity_id
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 20
              )
            ) IS TRUE
          )
        ) THEN t2.customer_id END = t3.id AND CASE WHEN (
          (
            (
              t3.id IN (
                SELECT sh.customer_id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
              )
            ) IS TRUE
          )
        ) THEN crm_mask_exists(t3.tax_number) END IS NOT NULL
      )
    )
    ORDER BY t1.name_fold, t1.id
    LIMIT 1
  ) x
)
