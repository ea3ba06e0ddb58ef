SELECT (
  WITH t3 AS (
    SELECT *
    FROM (
      SELECT v.k0 AS "k0", v.k0c AS "k0c", count(*) AS "n"
      FROM (
        SELECT CASE WHEN CASE WHEN (
          t2.owner_id = $2::uuid OR (
            (
              t2.id IN (
                SELECT sh.customer_id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 40
              )
            ) IS TRUE
          )
        ) THEN t2.lifetime_value END IS NOT NULL AND t2.currency IS NOT NULL THEN CASE WHEN (
          t2.owner_id = $2::uuid OR (
            (
              t2.id IN (
                SELECT sh.customer_id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 40
              )
            ) IS TRUE
          )
        ) THEN t2.lifetime_value END END AS "k0", CASE WHEN CASE WHEN (
          t2.owner_id = $2::uuid OR (
            (
              t2.id IN (
                SELECT sh.customer_id
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 40
              )
            ) IS TRUE
          )
        ) THEN t2.lifetime_value END IS NOT NULL AND t2.currency IS NOT NULL THEN t2.currency END AS "k0c"
        FROM customers t2
        WHERE t2.organization_id = $1::uuid
      ) v GROUP BY v.k0, v.k0c
    ) t3
  )
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (
        SELECT coalesce(json_agg(x), '[]'::json)
        FROM (
          SELECT t3.n AS "count"
          FROM t3
          ORDER BY t3.k0c NULLS LAST, t3.k0 NULLS LAST
          LIMIT 50
        ) x
      ) AS "groups"
    ) x
  )
)
