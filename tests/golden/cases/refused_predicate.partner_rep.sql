SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name"
    FROM products t1
    WHERE t1.organization_id = $1::uuid AND (t1.active) AND EXISTS (
      SELECT 1
      FROM opportunities t2
      CROSS JOIN LATERAL (
        SELECT greatest(
          (
            SELECT max(least(30, sh.clearance))
            FROM opportunity_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t2.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          ), CASE WHEN t2.partner_id = $3::uuid THEN 20 END
        ) AS cl OFFSET 0
      ) t2k
      WHERE t2.organization_id = $1::uuid AND (
        EXISTS (
          SELECT 1
          FROM opportunity_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t2.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        ) OR t2.partner_id = $3::uuid
      ) AND t2.product_id = t1.id AND CASE WHEN t2k.cl >= 20 THEN t2.product_id END = t1.id AND EXISTS (
        SELECT 1
        FROM customers t3
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AS cl OFFSET 0
        ) t3k
        WHERE t3.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          )
        ) AND t2.customer_id = t3.id AND CASE WHEN t2k.cl >= 20 THEN t2.customer_id END = t3.id AND CASE WHEN t3k.cl >= 30 THEN crm_mask_exists(t3.tax_number) END IS NOT NULL OFFSET 0
      ) OFFSET 0
    )
    ORDER BY t1.name_fold, t1.id
    LIMIT 1
  ) x
)
