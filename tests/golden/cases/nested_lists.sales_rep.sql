SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name", (
          SELECT row_to_json(x)
          FROM (
            SELECT t3.name AS "name"
            FROM teams t3
            WHERE t3.organization_id = $1::uuid AND t3.id = t2.team_id
          ) x
        ) AS "team"
        FROM users t2
        WHERE t2.organization_id = $1::uuid AND t2.id = CASE WHEN t1k.cl >= 30 THEN t1.owner_id END
      ) x
    ) AS "owner", (
      SELECT count(*)
      FROM tickets t4
      WHERE t4.organization_id = $1::uuid AND t4.customer_id = t1.id AND t4.status = ANY($6::text[])
    ) AS "openTickets", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT CASE WHEN t5k.cl >= 20 THEN t5.name END AS "name", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT (
              SELECT row_to_json(x)
              FROM (
                SELECT t7.name AS "name"
                FROM products t7
                WHERE t7.organization_id = $1::uuid AND t7.id = CASE WHEN t6k.cl >= 20 THEN t6.product_id END
              ) x
            ) AS "product"
            FROM opportunity_lines t6
            CROSS JOIN LATERAL (SELECT greatest(least(40, t5k.cl)) AS cl OFFSET 0) t6k
            WHERE t6.organization_id = $1::uuid AND t6.opportunity_id = t5.id AND CASE WHEN t6k.cl >= 20 THEN t6.opportunity_id END = t5.id
            ORDER BY t6.id
            LIMIT 2
          ) x
        ) AS "lines"
        FROM opportunities t5
        CROSS JOIN LATERAL (
          SELECT greatest(
            CASE WHEN t5.owner_id = $2::uuid THEN 40 END, (
              SELECT max(least(40, sh.clearance))
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ), CASE WHEN t5.team_id = ANY($4::uuid[]) THEN 30 END
          ) AS cl OFFSET 0
        ) t5k
        WHERE t5.organization_id = $1::uuid AND (
          t5.owner_id = $2::uuid OR EXISTS (
            SELECT 1
            FROM opportunity_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t5.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          ) OR t5.team_id = ANY($4::uuid[])
        ) AND t5.customer_id = t1.id AND CASE WHEN t5k.cl >= 20 THEN t5.customer_id END = t1.id
        ORDER BY CASE WHEN t5k.cl >= 20 THEN t5.currency END DESC NULLS LAST, CASE WHEN t5k.cl >= 20 THEN t5.amount END DESC NULLS LAST, t5.id DESC
        LIMIT 2
      ) x
    ) AS "opportunities"
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
    WHERE t1.organization_id = $1::uuid AND t1.segment = $5::text
    ORDER BY t1.created_at DESC, t1.id DESC
    LIMIT 3
  ) x
)
