SELECT (
  WITH t3 AS (
    SELECT *
    FROM (
      SELECT v.k0 AS "k0", count(*) AS "n", max(v.m0) AS "a0"
      FROM (
        SELECT (
          SELECT t2.id
          FROM customers t2
          WHERE t2.organization_id = $1::uuid AND (
            EXISTS (
              SELECT 1
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t2.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AND t2.id = t1.customer_id
        ) AS "k0", t1.placed_at AS "m0"
        FROM orders t1
        WHERE t1.organization_id = $1::uuid AND (t1.partner_id = $2::uuid) OFFSET 0
      ) v GROUP BY v.k0
    ) t3
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
                  SELECT t4.name AS "name", (
                    SELECT row_to_json(x)
                    FROM (
                      SELECT t5.name AS "name"
                      FROM users t5
                      WHERE t5.organization_id = $1::uuid AND (t5.partner_id = $2::uuid) AND t5.id = CASE WHEN t4k.cl >= 30 THEN t4.owner_id END
                    ) x
                  ) AS "owner"
                  FROM customers t4
                  CROSS JOIN LATERAL (
                    SELECT greatest(
                      (
                        SELECT max(least(30, sh.clearance))
                        FROM customer_shares sh
                        WHERE sh.organization_id = $1::uuid AND sh.customer_id = t4.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                      )
                    ) AS cl OFFSET 0
                  ) t4k
                  WHERE t4.organization_id = $1::uuid AND (
                    EXISTS (
                      SELECT 1
                      FROM customer_shares sh
                      WHERE sh.organization_id = $1::uuid AND sh.customer_id = t4.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                    )
                  ) AND t4.id = t3.k0
                ) x
              ) AS "customer"
            ) x
          ) AS "key", t3.n AS "count", (
            SELECT row_to_json(x)
            FROM (SELECT t3.a0 AS "placedAt" ) x
          ) AS "max"
          FROM t3
          ORDER BY t3.n DESC NULLS LAST, t3.k0 NULLS LAST
          LIMIT 2
        ) x
      ) AS "groups"
    ) x
  )
)
