SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT CASE WHEN t1k.cl >= 20 THEN t1.name END AS "name", CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.amount END IS NOT NULL THEN json_build_object(
      'amount', (CASE WHEN t1k.cl >= 20 THEN t1.amount END)::text, 'currency', CASE WHEN t1k.cl >= 20 THEN t1.currency END
    ) END AS "amount", CASE WHEN t1k.cl >= 20 THEN t1.close_on END AS "closeOn"
    FROM opportunities t1
    CROSS JOIN LATERAL (
      SELECT greatest(
        (
          SELECT max(least(30, sh.clearance))
          FROM opportunity_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        ), CASE WHEN t1.partner_id = $3::uuid THEN 20 END
      ) AS cl OFFSET 0
    ) t1k
    WHERE t1.organization_id = $1::uuid AND (
      EXISTS (
        SELECT 1
        FROM opportunity_shares sh
        WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
      ) OR t1.partner_id = $3::uuid
    )
    ORDER BY CASE WHEN t1k.cl >= 20 THEN t1.currency END DESC NULLS LAST, CASE WHEN t1k.cl >= 20 THEN t1.amount END DESC NULLS LAST, CASE WHEN t1k.cl >= 20 THEN t1.close_on END NULLS LAST, t1.id DESC
    LIMIT 4
  ) x
)
