SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
    SELECT 'cus_' || encode(uuid_send(c.id), 'hex') AS id, c.name, c.city, c.created_at AS "createdAt",
           (SELECT row_to_json(x) FROM (
               SELECT u.name FROM users u WHERE u.organization_id = {organization} AND u.id = c.owner_id
           ) x) AS owner,
           (SELECT count(*) FROM tickets t
             WHERE t.organization_id = {organization} AND t.customer_id = c.id AND t.status IN ('NEW', 'OPEN', 'WAITING')) AS "openTickets",
           (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
               SELECT o.name, o.status,
                      CASE WHEN o.amount IS NOT NULL THEN json_build_object('amount', o.amount::text, 'currency', o.currency) END AS amount
                 FROM opportunities o WHERE o.organization_id = {organization} AND o.customer_id = c.id
                ORDER BY o.created_at DESC, o.id DESC LIMIT 3
           ) x) y) AS opportunities
      FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
     ORDER BY c.created_at DESC, c.id DESC LIMIT 50
) x) y
