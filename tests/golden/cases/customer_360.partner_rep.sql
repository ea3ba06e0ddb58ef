SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT t1.name AS "name", NULL::json AS "lifetimeValue", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name"
        FROM users t2
        WHERE t2.organization_id = $1::uuid AND (t2.partner_id = $4::uuid) AND t2.id = CASE WHEN t1k.cl >= 30 THEN t1.owner_id END
      ) x
    ) AS "owner", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT CASE WHEN t3k.cl >= 20 THEN t3.name WHEN t3k.cl >= 10 THEN t3.name_mask END AS "name", CASE WHEN t3k.cl >= 20 THEN t3.role END AS "role", CASE WHEN t3k.cl >= 30 THEN t3.email WHEN t3k.cl >= 20 THEN t3.email_mask END AS "email"
        FROM contacts t3
        CROSS JOIN LATERAL (SELECT greatest(least(30, t1k.cl)) AS cl OFFSET 0) t3k
        WHERE t3.organization_id = $1::uuid AND t3.customer_id = t1.id AND CASE WHEN t3k.cl >= 20 THEN t3.customer_id END = t1.id
        ORDER BY t3.id
        LIMIT 3
      ) x
    ) AS "contacts", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t4.number AS "number", CASE WHEN t4.total IS NOT NULL THEN json_build_object('amount', (t4.total)::text, 'currency', t4.currency) END AS "total", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT (t5.quantity)::text AS "quantity", (
              SELECT row_to_json(x)
              FROM (
                SELECT t6.name AS "name"
                FROM products t6
                WHERE t6.organization_id = $1::uuid AND (t6.active) AND t6.id = t5.product_id
              ) x
            ) AS "product", CASE WHEN t5.unit_price IS NOT NULL THEN json_build_object('amount', (t5.unit_price)::text) END AS "unitPrice"
            FROM order_lines t5
            WHERE t5.organization_id = $1::uuid AND t5.order_id = t4.id
            ORDER BY t5.position, t5.id
            LIMIT 3
          ) x
        ) AS "lines"
        FROM orders t4
        WHERE t4.organization_id = $1::uuid AND (t4.partner_id = $4::uuid) AND t4.customer_id = t1.id
        ORDER BY t4.placed_at DESC, t4.id DESC
        LIMIT 2
      ) x
    ) AS "orders", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT CASE WHEN t7k.cl >= 20 THEN t7.name END AS "name", CASE WHEN t7k.cl >= 20 THEN t7.status END AS "status", NULL::json AS "margin", NULL::json AS "proposals"
        FROM opportunities t7
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM opportunity_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t7.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            ), CASE WHEN t7.partner_id = $4::uuid THEN 20 END
          ) AS cl OFFSET 0
        ) t7k
        WHERE t7.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM opportunity_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.opportunity_id = t7.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          ) OR t7.partner_id = $4::uuid
        ) AND t7.customer_id = t1.id AND CASE WHEN t7k.cl >= 20 THEN t7.customer_id END = t1.id
        ORDER BY t7.created_at DESC, t7.id DESC
        LIMIT 2
      ) x
    ) AS "opportunities", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT CASE WHEN t9k.cl >= 20 THEN t9.number END AS "number", CASE WHEN t9k.cl >= 20 THEN t9.subject END AS "subject", NULL::json AS "priority"
        FROM tickets t9
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT least(20, t9pk.cl)
              FROM customers t9p
              CROSS JOIN LATERAL (
                SELECT greatest(
                  CASE WHEN (t9.partner_id IS NULL AND NOT t9.type = 'COMPLAINT' OR t9.partner_id = $4::uuid) THEN (
                    SELECT max(least(30, sh.clearance))
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.customer_id = t9p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  ) END
                ) AS cl OFFSET 0
              ) t9pk
              WHERE t9p.organization_id = $1::uuid AND (
                (
                  (t9.partner_id IS NULL AND NOT t9.type = 'COMPLAINT' OR t9.partner_id = $4::uuid) AND EXISTS (
                    SELECT 1
                    FROM customer_shares sh
                    WHERE sh.organization_id = $1::uuid AND sh.customer_id = t9p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                  )
                )
              ) AND t9p.id = t9.customer_id
            ), CASE WHEN t9.partner_id = $4::uuid THEN 20 END
          ) AS cl OFFSET 0
        ) t9k
        WHERE t9.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM customers t9p
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN (t9.partner_id IS NULL AND NOT t9.type = 'COMPLAINT' OR t9.partner_id = $4::uuid) THEN (
                  SELECT max(least(30, sh.clearance))
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t9p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) END
              ) AS cl OFFSET 0
            ) t9pk
            WHERE t9p.organization_id = $1::uuid AND (
              (
                (t9.partner_id IS NULL AND NOT t9.type = 'COMPLAINT' OR t9.partner_id = $4::uuid) AND EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t9p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            ) AND t9p.id = t9.customer_id
          ) OR t9.partner_id = $4::uuid
        ) AND t9.customer_id = t1.id AND CASE WHEN t9k.cl >= 20 THEN t9.customer_id END = t1.id AND t9.status = ANY($6::text[]) AND CASE WHEN t9k.cl >= 20 THEN t9.status END = ANY($5::text[])
        ORDER BY t9.id
        LIMIT 2
      ) x
    ) AS "tickets", (
      SELECT count(*)
      FROM tickets t10
      CROSS JOIN LATERAL (
        SELECT greatest(
          (
            SELECT least(20, t10pk.cl)
            FROM customers t10p
            CROSS JOIN LATERAL (
              SELECT greatest(
                CASE WHEN (t10.partner_id IS NULL AND NOT t10.type = 'COMPLAINT' OR t10.partner_id = $4::uuid) THEN (
                  SELECT max(least(30, sh.clearance))
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t10p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                ) END
              ) AS cl OFFSET 0
            ) t10pk
            WHERE t10p.organization_id = $1::uuid AND (
              (
                (t10.partner_id IS NULL AND NOT t10.type = 'COMPLAINT' OR t10.partner_id = $4::uuid) AND EXISTS (
                  SELECT 1
                  FROM customer_shares sh
                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t10p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                )
              )
            ) AND t10p.id = t10.customer_id
          ), CASE WHEN t10.partner_id = $4::uuid THEN 20 END
        ) AS cl OFFSET 0
      ) t10k
      WHERE t10.organization_id = $1::uuid AND (
        EXISTS (
          SELECT 1
          FROM customers t10p
          CROSS JOIN LATERAL (
            SELECT greatest(
              CASE WHEN (t10.partner_id IS NULL AND NOT t10.type = 'COMPLAINT' OR t10.partner_id = $4::uuid) THEN (
                SELECT max(least(30, sh.clearance))
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t10p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              ) END
            ) AS cl OFFSET 0
          ) t10pk
          WHERE t10p.organization_id = $1::uuid AND (
            (
              (t10.partner_id IS NULL AND NOT t10.type = 'COMPLAINT' OR t10.partner_id = $4::uuid) AND EXISTS (
                SELECT 1
                FROM customer_shares sh
                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t10p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
              )
            )
          ) AND t10p.id = t10.customer_id
        ) OR t10.partner_id = $4::uuid
      ) AND t10.customer_id = t1.id AND CASE WHEN t10k.cl >= 20 THEN t10.customer_id END = t1.id AND t10.status = ANY($8::text[]) AND CASE WHEN t10k.cl >= 20 THEN t10.status END = ANY($7::text[])
    ) AS "openTickets"
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
    ) AND t1.id = $3::uuid
  ) x
)
