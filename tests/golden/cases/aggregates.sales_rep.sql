SELECT (
  WITH t2 AS (
    SELECT *
    FROM (
      SELECT a.k0 AS "k0", a.k1 AS "k1", max(a.n) FILTER (WHERE a.part = 1) AS "n", max(a.a0) FILTER (WHERE a.part = 1) AS "a0", max(a.a1) FILTER (WHERE a.part = 1) AS "a1", max(a.a2) FILTER (WHERE a.part = 1) AS "a2", max(a.a3) FILTER (WHERE a.part = 1) AS "a3", max(a.a4) FILTER (WHERE a.part = 1) AS "a4", max(a.a0) FILTER (WHERE a.part = 0 AND a.c = $7::text) AS "j0", coalesce(
        json_agg(json_build_object('amount', (a.a0)::text, 'currency', a.c) ORDER BY a.c) FILTER (WHERE a.part = 0 AND a.a0 IS NOT NULL AND a.c IS NOT NULL), '[]'::json
      ) AS "j1"
      FROM (
        SELECT v.k0 AS "k0", v.k1 AS "k1", count(*) AS "n", sum(v.m0) AS "a0", count(DISTINCT v.m1) AS "a1", count(DISTINCT v.m2) AS "a2", sum(v.m3) AS "a3", trim_scale(round(avg(v.m3), 6)) AS "a4", v.c AS "c", grouping(v.c) AS "part"
        FROM (
          SELECT t1.segment AS "k0", date_trunc('year', t1.created_at, 'UTC') AS "k1", CASE WHEN t1k.cl >= 30 THEN t1.annual_revenue WHEN t1k.cl >= 20 THEN crm_mask_bucket(t1.annual_revenue) END AS "m0", t1.city AS "m1", CASE WHEN t1k.cl >= 30 THEN t1.owner_id END AS "m2", CASE WHEN t1k.cl >= 30 THEN t1.employees END AS "m3", t1.currency AS "c"
          FROM customers t1
          CROSS JOIN LATERAL (
            SELECT greatest(
              CASE WHEN t1.owner_id = $2::uuid THEN 40 END, (
                SELECT max(least(40, sh.clearance))
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ), CASE WHEN t1.team_id = ANY($4::uuid[]) THEN 30 END, 20
            ) AS cl OFFSET 0
          ) t1k
          WHERE t1.organization_id = $1::uuid AND t1.kind = $5::text OFFSET 0
        ) v GROUP BY GROUPING SETS ((v.k0, v.k1), (v.k0, v.k1, v.c))
      ) a GROUP BY a.k0, a.k1
    ) t2
    WHERE t2.n >= $6::integer
  )
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (SELECT count(*) FROM t2) AS "groupCount", ((SELECT count(*) FROM t2) > 3) AS "hasMore", (
        SELECT coalesce(json_agg(x), '[]'::json)
        FROM (
          SELECT (
            SELECT row_to_json(x)
            FROM (SELECT t2.k0 AS "segment", t2.k1 AS "createdAt" ) x
          ) AS "key", t2.n AS "count", (
            SELECT row_to_json(x)
            FROM (SELECT t2.a1 AS "city", t2.a2 AS "owner" ) x
          ) AS "countDistinct", (
            SELECT row_to_json(x)
            FROM (
              SELECT t2.j1 AS "annualRevenue", (t2.a3)::text AS "employees"
            ) x
          ) AS "sum", (
            SELECT row_to_json(x)
            FROM (SELECT (t2.a4)::text AS "employees" ) x
          ) AS "avg"
          FROM t2
          ORDER BY t2.j0 DESC NULLS LAST, t2.k0 COLLATE "C" NULLS LAST, t2.k1 NULLS LAST
          LIMIT 3
        ) x
      ) AS "groups"
    ) x
  )
)
