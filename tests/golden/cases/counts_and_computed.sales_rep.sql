SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT count(DISTINCT s.id)
      FROM (
        SELECT t2.id
        FROM opportunities t2
        WHERE t2.organization_id = $1::uuid AND t2.owner_id = $2::uuid
        UNION ALL
        SELECT sh.id
        FROM (
          SELECT sh.opportunity_id
          FROM opportunity_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        ) sh(id)
        UNION ALL
        SELECT t2.id
        FROM opportunities t2
        WHERE t2.organization_id = $1::uuid AND t2.team_id = ANY($4::uuid[])
      ) s
    ) AS "totalCount", (
      SELECT coalesce(json_agg(x), '[]'::json)
      FROM (
        SELECT CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.amount END IS NOT NULL THEN json_build_object('amount', (CASE WHEN t1k.cl >= 20 THEN t1.amount END)::text) END AS "amount", CASE WHEN CASE WHEN t1k.cl >= 40 THEN t1.cost END IS NOT NULL THEN json_build_object('amount', (CASE WHEN t1k.cl >= 40 THEN t1.cost END)::text) END AS "cost", CASE WHEN CASE WHEN t1k.cl >= 40 THEN (t1.amount - t1.cost) END IS NOT NULL THEN json_build_object(
          'amount', (CASE WHEN t1k.cl >= 40 THEN (t1.amount - t1.cost) END)::text, 'currency', CASE WHEN t1k.cl >= 20 THEN t1.currency END
        ) END AS "margin", CASE WHEN CASE WHEN t1k.cl >= 30 THEN (round(t1.amount * t1.probability / 100, 2)) END IS NOT NULL THEN json_build_object('amount', (CASE WHEN t1k.cl >= 30 THEN (round(t1.amount * t1.probability / 100, 2)) END)::text) END AS "weightedAmount", (
          SELECT row_to_json(x)
          FROM (
            SELECT (
              SELECT count(*)
              FROM opportunity_lines t4
              CROSS JOIN LATERAL (SELECT greatest(least(40, t1k.cl)) AS cl OFFSET 0) t4k
              WHERE t4.organization_id = $1::uuid AND t4.opportunity_id = t1.id AND CASE WHEN t4k.cl >= 20 THEN t4.opportunity_id END = t1.id
            ) AS "totalCount", (
              SELECT coalesce(json_agg(x), '[]'::json)
              FROM (
                SELECT (CASE WHEN t3k.cl >= 20 THEN t3.quantity END)::text AS "quantity", CASE WHEN CASE WHEN t3k.cl >= 20 THEN (round(t3.quantity * t3.unit_price, 2)) END IS NOT NULL THEN json_build_object('amount', (CASE WHEN t3k.cl >= 20 THEN (round(t3.quantity * t3.unit_price, 2)) END)::text) END AS "total"
                FROM opportunity_lines t3
                CROSS JOIN LATERAL (SELECT greatest(least(40, t1k.cl)) AS cl OFFSET 0) t3k
                WHERE t3.organization_id = $1::uuid AND t3.opportunity_id = t1.id AND CASE WHEN t3k.cl >= 20 THEN t3.opportunity_id END = t1.id
                ORDER BY t3.id
                LIMIT 50
              ) x
            ) AS "nodes"
          ) x
        ) AS "lines"
        FROM (
          SELECT *
          FROM (
            (
              SELECT DISTINCT t1.created_at AS k0, t1.id AS id
              FROM opportunities t1
              WHERE t1.organization_id = $1::uuid AND t1.owner_id = $2::uuid
              ORDER BY t1.created_at, t1.id
              LIMIT 2
            )
            UNION (
              SELECT DISTINCT t1.created_at AS k0, t1.id AS id
              FROM unnest($3::uuid[]) g(id)
              CROSS JOIN LATERAL (
                SELECT DISTINCT sh.row_created_at AS created_at, sh.opportunity_id AS id
                FROM opportunity_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.grantee_id = g.id AND sh.valid_from <= now() AND sh.valid_until > now()
                ORDER BY sh.row_created_at, sh.opportunity_id
                LIMIT 2
              ) t1
              ORDER BY t1.created_at, t1.id
              LIMIT 2
            )
            UNION (
              SELECT DISTINCT t1.created_at AS k0, t1.id AS id
              FROM unnest($4::uuid[]) g(id)
              CROSS JOIN LATERAL (
                SELECT t1.created_at, t1.id
                FROM opportunities t1
                WHERE t1.organization_id = $1::uuid AND t1.team_id = g.id
                ORDER BY t1.created_at, t1.id
                LIMIT 2
              ) t1
              ORDER BY t1.created_at, t1.id
              LIMIT 2
            )
          ) u
          ORDER BY u.k0, u.id
          LIMIT 2
        ) t1q
        CROSS JOIN opportunities t1
        CROSS JOIN LATERAL (
          SELECT greatest(
            CASE WHEN t1.owner_id = $2::uuid THEN 40 END, (
              SELECT max(least(40, sh.clearance))
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ), CASE WHEN t1.team_id = ANY($4::uuid[]) THEN 30 END
          ) AS cl OFFSET 0
        ) t1k
        WHERE t1.organization_id = $1::uuid AND t1.id = t1q.id
        ORDER BY t1q.k0, t1q.id
      ) x
    ) AS "nodes"
  ) x
)
