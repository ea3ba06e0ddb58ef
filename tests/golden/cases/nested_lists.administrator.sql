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
        WHERE t2.organization_id = $1::uuid AND t2.id = t1.owner_id
      ) x
    ) AS "owner", (
      SELECT count(*)
      FROM tickets t4
      WHERE t4.organization_id = $1::uuid AND t4.customer_id = t1.id AND t4.status = ANY($3::text[])
    ) AS "openTickets", (
      SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
      FROM (
        SELECT t5.name AS "name", (
          SELECT json_build_object('nodes', coalesce(json_agg(x), '[]'::json))
          FROM (
            SELECT (
              SELECT row_to_json(x)
              FROM (
                SELECT t7.name AS "name"
                FROM products t7
                WHERE t7.organization_id = $1::uuid AND t7.id = t6.product_id
              ) x
            ) AS "product"
            FROM opportunity_lines t6
            WHERE t6.organization_id = $1::uuid AND t6.opportunity_id = t5.id
            ORDER BY t6.id
            LIMIT 2
          ) x
        ) AS "lines"
        FROM opportunities t5
        WHERE t5.organization_id = $1::uuid AND t5.customer_id = t1.id
        ORDER BY t5.currency DESC, t5.amount DESC NULLS LAST, t5.id DESC
        LIMIT 2
      ) x
    ) AS "opportunities"
    FROM customers t1
    WHERE t1.organization_id = $1::uuid AND t1.segment = $2::text
    ORDER BY t1.created_at DESC, t1.id DESC
    LIMIT 3
  ) x
)
