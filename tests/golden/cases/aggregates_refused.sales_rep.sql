SELECT (
  WITH t2 AS (
    SELECT *
    FROM (
      SELECT v.k0 AS "k0", v.k0c AS "k0c", count(*) AS "n"
      FROM (
        SELECT CASE WHEN CASE WHEN t1k.cl >= 40 THEN t1.lifetime_value END IS NOT NULL AND t1.currency IS NOT NULL THEN CASE WHEN t1k.cl >= 40 THEN t1.lifetime_value END END AS "k0", CASE WHEN CASE WHEN t1k.cl >= 40 THEN t1.lifetime_value END IS NOT NULL AND t1.currency IS NOT NULL THEN t1.currency END AS "k0c"
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
        WHERE t1.organization_id = $1::uuid
      ) v GROUP BY v.k0, v.k0c
    ) t2
  )
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (
        SELECT coalesce(json_agg(x), '[]'::json)
        FROM (
          SELECT t2.n AS "count"
          FROM t2
          ORDER BY t2.k0c NULLS LAST, t2.k0 NULLS LAST
          LIMIT 50
        ) x
      ) AS "groups"
    ) x
  )
)
