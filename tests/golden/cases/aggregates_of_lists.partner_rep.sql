SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", (
      SELECT row_to_json(x)
      FROM (
        SELECT t3.n AS "count", (
          SELECT row_to_json(x)
          FROM (SELECT t3.j0 AS "total" ) x
        ) AS "sum", (
          SELECT row_to_json(x)
          FROM (SELECT t3.a1 AS "placedAt" ) x
        ) AS "max"
        FROM (
          SELECT max(a.n) FILTER (WHERE a.part = 1) AS "n", max(a.a0) FILTER (WHERE a.part = 1) AS "a0", max(a.a1) FILTER (WHERE a.part = 1) AS "a1", coalesce(
            json_agg(json_build_object('amount', (a.a0)::text, 'currency', a.c) ORDER BY a.c) FILTER (WHERE a.part = 0 AND a.a0 IS NOT NULL AND a.c IS NOT NULL), '[]'::json
          ) AS "j0"
          FROM (
            SELECT count(*) AS "n", sum(v.m0) AS "a0", max(v.m1) AS "a1", v.c AS "c", grouping(v.c) AS "part"
            FROM (
              SELECT t2.total AS "m0", t2.placed_at AS "m1", t2.currency AS "c"
              FROM orders t2
              WHERE t2.organization_id = $1::uuid AND (t2.partner_id = $3::uuid) AND t2.customer_id = t1.id OFFSET 0
            ) v GROUP BY GROUPING SETS ((), (v.c))
          ) a
        ) t3
      ) x
    ) AS "ordersAggregate", (
      SELECT row_to_json(x)
      FROM (
        SELECT t5.n AS "count"
        FROM (
          SELECT count(*) AS "n"
          FROM (
            SELECT 1 AS one
            FROM opportunities t4
            CROSS JOIN LATERAL (
              SELECT greatest(
                (
                  SELECT max(least(30, sh.clearance))
                  FROM opportunity_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ), CASE WHEN t4.partner_id = $3::uuid THEN 20 END
              ) AS cl OFFSET 0
            ) t4k
            WHERE t4.organization_id = $1::uuid AND (
              EXISTS (
                SELECT 1
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) OR t4.partner_id = $3::uuid
            ) AND t4.customer_id = t1.id AND CASE WHEN t4k.cl >= 20 THEN t4.customer_id END = t1.id AND t4.status = $5::text AND CASE WHEN t4k.cl >= 20 THEN t4.status END = $4::text
          ) v
        ) t5
      ) x
    ) AS "opportunitiesAggregate"
    FROM (
      SELECT *
      FROM (
        (
          SELECT DISTINCT t1.created_at AS k0, t1.id AS id
          FROM unnest($2::uuid[]) g(id)
          CROSS JOIN LATERAL (
            SELECT DISTINCT sh.row_created_at AS created_at, sh.customer_id AS id
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.grantee_id = g.id AND sh.valid_from <= now() AND sh.valid_until > now()
            ORDER BY sh.row_created_at DESC, sh.customer_id DESC
            LIMIT 2
          ) t1
          ORDER BY t1.created_at DESC, t1.id DESC
          LIMIT 2
        )
      ) u
      ORDER BY u.k0 DESC, u.id DESC
      LIMIT 2
    ) t1q
    CROSS JOIN customers t1
    WHERE t1.organization_id = $1::uuid AND t1.id = t1q.id
    ORDER BY t1q.k0 DESC, t1q.id DESC
  ) x
)
