SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT count(*)
      FROM opportunities t2
      WHERE t2.organization_id = $1::uuid
    ) AS "totalCount", (
      SELECT coalesce(json_agg(x), '[]'::json)
      FROM (
        SELECT CASE WHEN t1.amount IS NOT NULL THEN json_build_object('amount', (t1.amount)::text) END AS "amount", CASE WHEN t1.cost IS NOT NULL THEN json_build_object('amount', (t1.cost)::text) END AS "cost", CASE WHEN (t1.amount - t1.cost) IS NOT NULL THEN json_build_object('amount', ((t1.amount - t1.cost))::text, 'currency', t1.currency) END AS "margin", CASE WHEN (round(t1.amount * t1.probability / 100, 2)) IS NOT NULL THEN json_build_object('amount', ((round(t1.amount * t1.probability / 100, 2)))::text) END AS "weightedAmount", (
          SELECT row_to_json(x)
          FROM (
            SELECT (
              SELECT count(*)
              FROM opportunity_lines t4
              WHERE t4.organization_id = $1::uuid AND t4.opportunity_id = t1.id
            ) AS "totalCount", (
              SELECT coalesce(json_agg(x), '[]'::json)
              FROM (
                SELECT (t3.quantity)::text AS "quantity", CASE WHEN (round(t3.quantity * t3.unit_price, 2)) IS NOT NULL THEN json_build_object('amount', ((round(t3.quantity * t3.unit_price, 2)))::text) END AS "total"
                FROM opportunity_lines t3
                WHERE t3.organization_id = $1::uuid AND t3.opportunity_id = t1.id
                ORDER BY t3.id
                LIMIT 50
              ) x
            ) AS "nodes"
          ) x
        ) AS "lines"
        FROM opportunities t1
        WHERE t1.organization_id = $1::uuid
        ORDER BY t1.created_at, t1.id
        LIMIT 2
      ) x
    ) AS "nodes"
  ) x
)
