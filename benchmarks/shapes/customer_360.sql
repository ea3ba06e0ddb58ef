SELECT row_to_json(x) FROM (
    SELECT 'cus_' || encode(uuid_send(c.id), 'hex') AS id, c.name, c.segment, c.stage, c.email,
           CASE WHEN c.credit_limit IS NOT NULL THEN json_build_object('amount', c.credit_limit::text, 'currency', c.currency) END AS "creditLimit",
           (SELECT row_to_json(x) FROM (
               SELECT u.name, u.email FROM users u WHERE u.organization_id = {organization} AND u.id = c.owner_id
           ) x) AS owner,
           (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
               SELECT 'ord_' || encode(uuid_send(o.id), 'hex') AS id, o.number, o.status, o.placed_at AS "placedAt",
                      CASE WHEN o.total IS NOT NULL THEN json_build_object('amount', o.total::text, 'currency', o.currency) END AS total,
                      (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
                          SELECT l.quantity::text AS quantity,
                                 (SELECT row_to_json(x) FROM (
                                     SELECT p.name FROM products p WHERE p.organization_id = {organization} AND p.id = l.product_id
                                 ) x) AS product
                            FROM order_lines l WHERE l.organization_id = {organization} AND l.order_id = o.id
                           ORDER BY l.position, l.id LIMIT 20
                      ) x) y) AS lines
                 FROM orders o WHERE o.organization_id = {organization} AND o.customer_id = c.id
                ORDER BY o.created_at DESC, o.id DESC LIMIT 10
           ) x) y) AS orders,
           (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
               SELECT 'tic_' || encode(uuid_send(t.id), 'hex') AS id, t.number, t.subject, t.status, t.priority, t.opened_at AS "openedAt"
                 FROM tickets t WHERE t.organization_id = {organization} AND t.customer_id = c.id AND t.status IN ('NEW', 'OPEN', 'WAITING')
                ORDER BY t.created_at DESC, t.id DESC LIMIT 5
           ) x) y) AS tickets,
           (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
               SELECT 'opp_' || encode(uuid_send(o.id), 'hex') AS id, o.name, o.status,
                      CASE WHEN o.amount IS NOT NULL THEN json_build_object('amount', o.amount::text, 'currency', o.currency) END AS amount,
                      (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
                          SELECT p.number, p.status, p.valid_until AS "validUntil",
                                 CASE WHEN p.subtotal IS NOT NULL THEN json_build_object('amount', (p.subtotal - crm_round(p.subtotal * p.discount_percent * 0.01, p.currency))::text,
                                                                                           'currency', p.currency) END AS total
                            FROM proposals p WHERE p.organization_id = {organization} AND p.opportunity_id = o.id
                           ORDER BY p.created_at DESC, p.id DESC LIMIT 1
                      ) x) y) AS proposals
                 FROM opportunities o WHERE o.organization_id = {organization} AND o.customer_id = c.id
                ORDER BY o.created_at DESC, o.id DESC LIMIT 5
           ) x) y) AS opportunities,
           (SELECT row_to_json(y) FROM (SELECT coalesce(json_agg(x), '[]'::json) AS nodes FROM (
               SELECT 'con_' || encode(uuid_send(k.id), 'hex') AS id, k.name, k.role, k.email
                 FROM contacts k WHERE k.organization_id = {organization} AND k.customer_id = c.id
                ORDER BY k.created_at DESC, k.id DESC LIMIT 10
           ) x) y) AS contacts
      FROM customers c WHERE c.organization_id = {organization} AND c.id = {id}
) x
