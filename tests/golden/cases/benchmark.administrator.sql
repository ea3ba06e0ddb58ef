SELECT (
  SELECT coalesce(json_agg(x), '[]'::json)
  FROM (
    SELECT b.segment AS "segment", b.country AS "country", b.n / 5 * 5 AS "atLeast", json_build_object(
      'amount', (CASE WHEN b.median = 0 THEN 0 ELSE round(b.median, 1 - floor(log(abs(b.median)))::integer) END)::text, 'currency', b.currency
    ) AS "median"
    FROM (
      SELECT t1.segment AS segment, t1.country AS country, t1.currency AS currency, percentile_disc(0.5) WITHIN GROUP (ORDER BY t1.annual_revenue) AS median, count(*) AS n
      FROM customers t1
      WHERE t1.organization_id = $1::uuid AND t1.annual_revenue IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) >= 5
    ) b
    ORDER BY b.segment COLLATE "C" NULLS LAST, b.country COLLATE "C" NULLS LAST, b.currency COLLATE "C" NULLS LAST
    LIMIT 200
  ) x
)
