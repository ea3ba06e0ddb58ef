SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", CASE WHEN t1k.cl >= 20 THEN t1.city END AS "city"
    FROM customers t1
    CROSS JOIN LATERAL (
      SELECT greatest(
        (
          SELECT max(least(30, sh.clearance))
          FROM customer_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        )
      ) AS cl OFFSET 0
    ) t1k
    WHERE t1.organization_id = $1::uuid AND (
      EXISTS (
        SELECT 1
        FROM customer_shares sh
        WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
      )
    )
    ORDER BY CASE WHEN t1k.cl >= 20 THEN t1.city_fold END DESC NULLS FIRST, t1.name_fold, t1.id
    LIMIT 4
  ) x
)
