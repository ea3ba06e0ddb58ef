SELECT (
  SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
  FROM (
    SELECT t1.name AS "name", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name", NULL::json AS "team"
        FROM users t2
        WHERE t2.organization_id = $1::uuid AND (t2.partner_id = $5::uuid) AND t2.id = CASE WHEN t1k.cl >= 30 THEN t1.owner_id END
      ) x
    ) AS "owner", (
      SELECT count(*)
      FROM tickets t3
      CROSS JOIN LATERAL (
        SELECT greatest(
          (
            SELECT least(20, t3pk.cl)
            FROM customers t3p
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) THEN (
                  SELECT max(least(30, sh.clearance))
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) END
              ) AS cl OFFSET 0
            ) t3pk
            WHERE t3p.organization_id = $1::uuid AND (
              (
                (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) AND EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            ) AND t3p.id = t3.customer_id
          ), CASE WHEN t3.partner_id = $5::uuid THEN 20 END
        ) AS cl OFFSET 0
      ) t3k
      WHERE t3.organization_id = $1::uuid AND (
        EXISTS (
          SELECT 1
          FROM customers t3p
          CROSS JOIN LATERAL (
            SELECT greatest(
              CASE WHEN (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) THEN (
                SELECT max(least(30, sh.clearance))
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) END
            ) AS cl OFFSET 0
          ) t3pk
          WHERE t3p.organization_id = $1::uuid AND (
            (
              (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) AND EXISTS (
                SELECT 1
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              )
            )
          ) AND t3p.id = t3.customer_id
        ) OR t3.partner_id = $5::uuid
      ) AND t3.customer_id = t1.id AND CASE WHEN t3k.cl >= 20 THEN t3.customer_id END = t1.id AND t3.status = ANY($7::text[]) AND CASE WHEN t3k.cl >= 20 THEN t3.status END = ANY($6::text[])
    ) AS "openTickets", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT CASE WHEN t4k.cl >= 20 THEN t4.name END AS "name", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT (
              SELECT row_to_json(x)
              FROM (
                SELECT t6.name AS "name"
                FROM products t6
                WHERE t6.organization_id = $1::uuid AND (t6.active) AND t6.id = CASE WHEN t5k.cl >= 20 THEN t5.product_id END
              ) x
            ) AS "product"
            FROM opportunity_lines t5
            CROSS JOIN LATERAL (SELECT greatest(least(20, t4k.cl)) AS cl OFFSET 0) t5k
            WHERE t5.organization_id = $1::uuid AND t5.opportunity_id = t4.id AND CASE WHEN t5k.cl >= 20 THEN t5.opportunity_id END = t4.id
            ORDER BY t5.id
            LIMIT 2
          ) x
        ) AS "lines"
        FROM opportunities t4
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ), CASE WHEN t4.partner_id = $5::uuid THEN 20 END
          ) AS cl OFFSET 0
        ) t4k
        WHERE t4.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM opportunity_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          ) OR t4.partner_id = $5::uuid
        ) AND t4.customer_id = t1.id AND CASE WHEN t4k.cl >= 20 THEN t4.customer_id END = t1.id
        ORDER BY CASE WHEN t4k.cl >= 20 THEN t4.currency END DESC NULLS LAST, CASE WHEN t4k.cl >= 20 THEN t4.amount END DESC NULLS LAST, t4.id DESC
        LIMIT 2
      ) x
    ) AS "opportunities"
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
    WHERE t1.organization_id = $1::uuid AND (
      EXISTS (
        SELECT 1
        FROM customer_shares sh
        WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
      )
    ) AND t1.segment = $4::text AND CASE WHEN t1k.cl >= 20 THEN t1.segment END = $3::text
    ORDER BY t1.created_at DESC, t1.id DESC
    LIMIT 3
  ) x
)
