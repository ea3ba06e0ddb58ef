SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", CASE WHEN t1.amount IS NOT NULL THEN json_build_object('amount', (t1.amount)::text, 'currency', t1.currency) END AS "amount", t1.close_on AS "closeOn"
    FROM opportunities t1
    WHERE t1.organization_id = $1::uuid
    ORDER BY t1.currency DESC, t1.amount DESC NULLS LAST, t1.close_on NULLS LAST, t1.id DESC
    LIMIT 4
  ) x
)
