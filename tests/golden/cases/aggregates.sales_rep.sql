SELECT (
  WITH t3 AS (
    SELECT *
    FROM (
      SELECT a.k0 AS "k0", a.k1 AS "k1", max(a.n) FILTER (WHERE a.part = 1) AS "n", max(a.a0) FILTER (WHERE a.part = 1) AS "a0", max(a.a1) FILTER (WHERE a.part = 1) AS "a1", max(a.a2) FILTER (WHERE a.part = 1) AS "a2", max(a.a3) FILTER (WHERE a.part = 1) AS "a3", max(a.a4) FILTER (WHERE a.part = 1) AS "a4", max(a.a0) FILTER (WHERE a.part = 0 AND a.c = $7::text) AS "j0", coalesce(
        json_agg(json_build_object('amount', (a.a0)::text, 'currency', a.c) ORDER BY a.c) FILTER (WHERE a.part = 0 AND a.a0 IS NOT NULL AND a.c IS NOT NULL), '[]'::json
      ) AS "j1"
      FROM (
        SELECT v.k0 AS "k0", v.k1 AS "k1", count(*) AS "n", sum(v.m0) AS "a0", count(DISTINCT v.m1) AS "a1", count(DISTINCT v.m2) AS "a2", sum(v.m3) AS "a3", trim_scale(round(avg(v.m3), 6)) AS "a4", v.c AS "c", grouping(v.c) AS "part"
        FROM (
          SELECT t2.segment AS "k0", date_trunc('year', t2.created_at, 'UTC') AS "k1", CASE WHEN (
            t2.owner_id = $2::uuid OR t2.team_id = ANY($4::uuid[]) OR (
              (
                t2.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
                )
              ) IS TRUE
            )
          ) THEN t2.annual_revenue WHEN TRUE THEN crm_mask_bucket(t2.annual_revenue) END AS "m0", t2.city AS "m1", CASE WHEN (
            t2.owner_id = $2::uuid OR t2.team_id = ANY($4::uuid[]) OR (
              (
                t2.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
                )
              ) IS TRUE
            )
          ) THEN t2.owner_id END AS "m2", CASE WHEN (
            t2.owner_id = $2::uuid OR t2.team_id = ANY($4::uuid[]) OR (
              (
                t2.id IN (
                  SELECT sh.customer_id
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now() AND sh.clearance >= 30
                )
              ) IS TRUE
            )
          ) THEN t2.employees END AS "m3", t2.currency AS "c"
          FROM customers t2
          WHERE t2.organization_id = $1::uuid AND t2.kind = $5::text OFFSET 0
        ) v GROUP BY GROUPING SETS ((v.k0, v.k1), (v.k0, v.k1, v.c))
      ) a GROUP BY a.k0, a.k1
    ) t3
    WHERE t3.n >= $6::integer
  )
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (SELECT count(*) FROM t3) AS "groupCount", ((SELECT count(*) FROM t3) > 3) AS "hasMore", (
        SELECT coalesce(json_agg(x), '[]'::json)
        FROM (
          SELECT (
            SELECT row_to_json(x)
            FROM (SELECT t3.k0 AS "segment", t3.k1 AS "createdAt" ) x
          ) AS "key", t3.n AS "count", (
            SELECT row_to_json(x)
            FROM (SELECT t3.a1 AS "city", t3.a2 AS "owner" ) x
          ) AS "countDistinct", (
            SELECT row_to_json(x)
            FROM (
              SELECT t3.j1 AS "annualRevenue", (t3.a3)::text AS "employees"
            ) x
          ) AS "sum", (
            SELECT row_to_json(x)
            FROM (SELECT (t3.a4)::text AS "employees" ) x
          ) AS "avg"
          FROM t3
          ORDER BY t3.j0 DESC NULLS LAST, t3.k0 COLLATE "C" NULLS LAST, t3.k1 NULLS LAST
          LIMIT 3
        ) x
      ) AS "groups"
    ) x
  )
)
