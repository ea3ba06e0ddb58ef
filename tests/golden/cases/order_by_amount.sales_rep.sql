SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT CASE WHEN t1k.cl >= 20 THEN t1.name END AS "name", CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.amount END IS NOT NULL THEN json_build_object(
      'amount', (CASE WHEN t1k.cl >= 20 THEN t1.amount END)::text, 'currency', CASE WHEN t1k.cl >= 20 THEN t1.currency END
    ) END AS "amount", CASE WHEN t1k.cl >= 20 THEN t1.close_on END AS "closeOn"
    FROM opportunities t1
    CROSS JOIN LATERAL (
      SELECT greatest(
        CASE WHEN t1.owner_id = $2::uuid THEN 40 END, (
          SELECT max(least(40, sh.clearance))
          FROM opportunity_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        ), CASE WHEN t1.team_id = ANY($4::uuid[]) THEN 30 END
      ) AS cl OFFSET 0
    ) t1k
    WHERE t1.organization_id = $1::uuid AND (
      t1.owner_id = $2::uuid OR EXISTS (
        SELECT 1
        FROM opportunity_shares sh
        WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
      ) OR t1.team_id = ANY($4::uuid[])
    )
    ORDER BY CASE WHEN t1k.cl >= 20 THEN t1.currency END DESC NULLS LAST, CASE WHEN t1k.cl >= 20 THEN t1.amount END DESC NULLS LAST, CASE WHEN t1k.cl >= 20 THEN t1.close_on END NULLS LAST, t1.id DESC
    LIMIT 4
  ) x
)
