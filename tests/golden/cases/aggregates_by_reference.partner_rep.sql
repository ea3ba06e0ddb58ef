SELECT (
  WITH t4 AS (
    SELECT *
    FROM (
      SELECT v.k0 AS "k0", count(*) AS "n", max(v.m0) AS "a0"
      FROM (
        SELECT (
          SELECT t3.id
          FROM customers t3
          WHERE t3.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND t3.id = t2.customer_id
        ) AS "k0", t2.placed_at AS "m0"
        FROM orders t2
        WHERE t2.organization_id = $1::uuid AND (t2.partner_id = $2::uuid) OFFSET 0
      ) v GROUP BY v.k0
    ) t4
  )
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (
        SELECT coalesce(json_agg(x), '[]'::json)
        FROM (
          SELECT (
            SELECT row_to_json(x)
            FROM (
              SELECT (
                SELECT row_to_json(x)
                FROM (
                  SELECT t5.name AS "name", (
                    SELECT row_to_json(x)
                    FROM (
                      SELECT t6.name AS "name"
                      FROM users t6
                      WHERE t6.organization_id = $1::uuid AND (t6.partner_id = $2::uuid) AND t6.id = CASE WHEN t5k.cl >= 30 THEN t5.owner_id END
                    ) x
                  ) AS "owner"
                  FROM customers t5
                  CROSS JOIN LATERAL (
                    SELECT greatest(
                      (
                        SELECT max(least(30, sh.clearance))
                        FROM customer_shares sh
                        WHERE sh.organization_id = $1::uuid AND sh.customer_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                      )
                    ) AS cl OFFSET 0
                  ) t5k
                  WHERE t5.organization_id = $1::uuid AND (
                    EXISTS (
                      SELECT 1
                      FROM customer_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.customer_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                    )
                  ) AND t5.id = t4.k0
                ) x
              ) AS "customer"
            ) x
          ) AS "key", t4.n AS "count", (
            SELECT row_to_json(x)
            FROM (SELECT t4.a0 AS "placedAt" ) x
          ) AS "max"
          FROM t4
          ORDER BY t4.n DESC NULLS LAST, t4.k0 NULLS LAST
          LIMIT 2
        ) x
      ) AS "groups"
    ) x
  )
)
