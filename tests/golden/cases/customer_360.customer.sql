SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT t1.name AS "name", NULL::json AS "lifetimeValue", NULL::json AS "owner", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t2.name AS "name", t2.role AS "role", t2.email AS "email"
        FROM contacts t2
        WHERE t2.organization_id = $1::uuid AND t2.customer_id = t1.id
        ORDER BY t2.id
        LIMIT 3
      ) x
    ) AS "contacts", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t3.number AS "number", CASE WHEN t3.total IS NOT NULL THEN json_build_object('amount', (t3.total)::text, 'currency', t3.currency) END AS "total", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT (t4.quantity)::text AS "quantity", (
              SELECT row_to_json(x)
              FROM (
                SELECT t5.name AS "name"
                FROM products t5
                WHERE t5.organization_id = $1::uuid AND (t5.active) AND t5.id = t4.product_id
              ) x
            ) AS "product", CASE WHEN t4.unit_price IS NOT NULL THEN json_build_object('amount', (t4.unit_price)::text) END AS "unitPrice"
            FROM order_lines t4
            WHERE t4.organization_id = $1::uuid AND t4.order_id = t3.id
            ORDER BY t4.position, t4.id
            LIMIT 3
          ) x
        ) AS "lines"
        FROM orders t3
        WHERE t3.organization_id = $1::uuid AND (t3.customer_id = $2::uuid) AND t3.customer_id = t1.id
        ORDER BY t3.placed_at DESC, t3.id DESC
        LIMIT 2
      ) x
    ) AS "orders", NULL::json AS "opportunities", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t7.number AS "number", t7.subject AS "subject", NULL::json AS "priority"
        FROM tickets t7
        WHERE t7.organization_id = $1::uuid AND (t7.customer_id = $2::uuid) AND t7.customer_id = t1.id AND t7.status = ANY($4::text[])
        ORDER BY t7.id
        LIMIT 2
      ) x
    ) AS "tickets", (
      SELECT count(*)
      FROM tickets t8
      WHERE t8.organization_id = $1::uuid AND (t8.customer_id = $2::uuid) AND t8.customer_id = t1.id AND t8.status = ANY($5::text[])
    ) AS "openTickets"
    FROM customers t1
    WHERE t1.organization_id = $1::uuid AND (t1.id = $2::uuid) AND t1.id = $3::uuid
  ) x
)
