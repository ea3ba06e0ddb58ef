SELECT (
  SELECT coalesce(json_agg(x), '[]'::json)
  FROM (
    SELECT b.segment AS "segment", b.country AS "country", b.n / 5 * 5 AS "atLeast", json_build_object(
      'amount', (CASE WHEN b.median = 0 THEN 0 ELSE round(b.median, 1 - floor(log(abs(b.median)))::integer) END)::text, 'currency', b.currency
    ) AS "median"
    FROM (
      SELECT t1.segment AS segment, t1.country AS country, t1.currency AS currency, percentile_disc(0.5) WITHIN GROUP (ORDER BY t1.annual_revenue) AS median, count(*) AS n
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
      WHERE t1.organization_id = $1::uuid AND t1.annual_revenue IS NOT NULL AND NOT coalesce(
        (
          EXISTS (
            SELECT 1
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          )
        ) AND CASE WHEN t1k.cl >= 30 THEN t1.annual_revenue WHEN t1k.cl >= 20 THEN crm_mask_bucket(t1.annual_revenue) END IS NOT DISTINCT
        FROM t1.annual_revenue, FALSE
      ) GROUP BY 1, 2, 3 HAVING count(*) >= 5
    ) b
    ORDER BY b.segment COLLATE "C" NULLS LAST, b.country COLLATE "C" NULLS LAST, b.currency COLLATE "C" NULLS LAST
    LIMIT 200
  ) x
)
