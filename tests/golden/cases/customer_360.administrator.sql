SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT t1.name AS "name", CASE WHEN t1.lifetime_value IS NOT NULL THEN json_build_object('amount', (t1.lifetime_value)::text, 'currency', t1.currency) END AS "lifetimeValue", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name"
        FROM users t2
        WHERE t2.organization_id = $1::uuid AND t2.id = t1.owner_id
      ) x
    ) AS "owner", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t3.name AS "name", t3.role AS "role", t3.email AS "email"
        FROM contacts t3
        WHERE t3.organization_id = $1::uuid AND t3.customer_id = t1.id
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
                WHERE t6.organization_id = $1::uuid AND t6.id = t5.product_id
              ) x
            ) AS "product", CASE WHEN t5.unit_price IS NOT NULL THEN json_build_object('amount', (t5.unit_price)::text) END AS "unitPrice"
            FROM order_lines t5
            WHERE t5.organization_id = $1::uuid AND t5.order_id = t4.id
            ORDER BY t5.position, t5.id
            LIMIT 3
          ) x
        ) AS "lines"
        FROM orders t4
        WHERE t4.organization_id = $1::uuid AND t4.customer_id = t1.id
        ORDER BY t4.placed_at DESC, t4.id DESC
        LIMIT 2
      ) x
    ) AS "orders", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t7.name AS "name", t7.status AS "status", CASE WHEN (t7.amount - t7.cost) IS NOT NULL THEN json_build_object('amount', ((t7.amount - t7.cost))::text) END AS "margin", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT t8.number AS "number", CASE WHEN (t8.subtotal - (crm_round(t8.subtotal * t8.discount_percent * 0.01, t8.currency))) IS NOT NULL THEN json_build_object('amount', ((t8.subtotal - (crm_round(t8.subtotal * t8.discount_percent * 0.01, t8.currency))))::text) END AS "total"
            FROM proposals t8
            WHERE t8.organization_id = $1::uuid AND t8.opportunity_id = t7.id
            ORDER BY t8.created_at DESC, t8.id DESC
            LIMIT 1
          ) x
        ) AS "proposals"
        FROM opportunities t7
        WHERE t7.organization_id = $1::uuid AND t7.customer_id = t1.id
        ORDER BY t7.created_at DESC, t7.id DESC
        LIMIT 2
      ) x
    ) AS "opportunities", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t9.number AS "number", t9.subject AS "subject", t9.priority AS "priority"
        FROM tickets t9
        WHERE t9.organization_id = $1::uuid AND t9.customer_id = t1.id AND t9.status = ANY($3::text[])
        ORDER BY t9.id
        LIMIT 2
      ) x
    ) AS "tickets", (
      SELECT count(*)
      FROM tickets t10
      WHERE t10.organization_id = $1::uuid AND t10.customer_id = t1.id AND t10.status = ANY($4::text[])
    ) AS "openTickets"
    FROM customers t1
    WHERE t1.organization_id = $1::uuid AND t1.id = $2::uuid
  ) x
)
