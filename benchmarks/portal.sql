-- What partners have besides customers, on top of access.sql: plans, prices, deals, leads, tickets, tasks, and what they recorded.

INSERT INTO products (organization_id, id, version, created_at, updated_at, sku, name, currency, list_price, active)
SELECT org.id, pg_temp.made(began, n, 20), 1, began, began, 'P-' || n, 'Product ' || n, 'EUR', 100 + n, TRUE FROM org, life, generate_series(1, 500) AS n;
INSERT INTO price_lists (organization_id, id, version, created_at, updated_at, name, kind, currency, partner_id, public)
SELECT org.id, pg_temp.made(began, n, 21), 1, began, began, 'Prices ' || n, 'ABSOLUTE', 'EUR', pg_temp.made(began, n, 13), FALSE FROM org, life, generate_series(1, 24) AS n;
INSERT INTO price_list_entries (organization_id, id, version, created_at, updated_at, price_list_id, product_id, min_quantity, currency, unit_price)
SELECT org.id, pg_temp.made(began, n * 1000 + k, 22), 1, began, began, pg_temp.made(began, n, 21), pg_temp.made(began, k, 20), 0, 'EUR', 80 + k
  FROM org, life, generate_series(1, 24) AS n, generate_series(1, 200) AS k;
INSERT INTO partner_agreements (organization_id, id, version, created_at, updated_at, name, partner_id, starts_on, terms)
SELECT org.id, pg_temp.made(began, n * 10 + k, 23), 1, began, began, 'Agreement ' || k, pg_temp.made(began, n, 13), '2024-01-01', 'Sells and installs.'
  FROM org, life, generate_series(1, 24) AS n, generate_series(1, 3) AS k;
INSERT INTO partner_certifications (organization_id, id, version, created_at, updated_at, name, partner_id, issued_on, expires_on)
SELECT org.id, pg_temp.made(began, n * 100 + k, 24), 1, began, began, 'Certified for ' || k, pg_temp.made(began, n, 13), '2024-01-01', date '2026-01-01' + k * 90
  FROM org, life, generate_series(1, 24) AS n, generate_series(1, 20) AS k;

INSERT INTO key_accounts (organization_id, id, version, created_at, updated_at, customer_id, tier, currency)
SELECT org.id, pg_temp.made(at, n, 25), 1, at, at, c.id, 'KEY', 'EUR' FROM org, numbered c WHERE n % 100 = 1;
INSERT INTO key_account_shares (organization_id, id, version, created_at, updated_at, key_account_id, partner_id, level, valid_from, valid_until, row_created_at)
SELECT org.id, pg_temp.made(began, row_number() OVER (ORDER BY k.id), 26), 1, began, began, k.id, s.partner_id, 'PARTNER', '1970-01-01Z', '9999-01-01Z', k.created_at
  FROM org, life, key_accounts k JOIN customer_shares s ON s.customer_id = k.customer_id AND s.partner_id = pg_temp.made('2023-01-02 08:00+00', 1, 13);
INSERT INTO key_account_plans (organization_id, id, version, created_at, updated_at, key_account_id, title, starts_on, ends_on)
SELECT org.id, pg_temp.made(k.created_at, y, 27), 1, k.created_at, k.created_at, k.id, 'Plan ' || y, make_date(2022 + y, 1, 1), make_date(2022 + y, 12, 31)
  FROM org, (SELECT id, created_at FROM key_accounts) AS k, generate_series(1, 4) AS y;
INSERT INTO goals (organization_id, id, version, created_at, updated_at, plan_id, title, metric, currency, target)
SELECT org.id, pg_temp.made(p.created_at, g * 10 + extract(year FROM p.starts_on)::bigint, 28), 1, p.created_at, p.created_at, p.id, 'Goal ' || g, 'ORDERS', 'EUR', 10 * g
  FROM org, key_account_plans p, generate_series(1, 5) AS g;
INSERT INTO tactics (organization_id, id, version, created_at, updated_at, plan_id, title, due_on)
SELECT org.id, pg_temp.made(p.created_at, t * 10 + extract(year FROM p.starts_on)::bigint, 29), 1, p.created_at, p.created_at, p.id, 'Tactic ' || t, p.starts_on + 30 * t
  FROM org, key_account_plans p, generate_series(1, 4) AS t;

INSERT INTO deal_registrations (organization_id, id, version, created_at, updated_at, partner_id, customer_name, currency, amount, close_on, answer,
                                answered_at, protected_until, status, decided_at)
SELECT org.id, pg_temp.made(began + n * interval '2 hours', n, 30), 1, began, began, pg_temp.made(began, 1 + n % 24, 13), 'Deal ' || n, 'EUR', 1000 + n, date '2026-01-01' + (n % 400)::integer,
       CASE n % 3 WHEN 0 THEN 'PROTECTED' ELSE 'RECEIVED' END, CASE n % 3 WHEN 0 THEN ended END, CASE n % 3 WHEN 0 THEN now() + (n % 90) * interval '1 day' END,
       CASE n % 3 WHEN 0 THEN 'APPROVED' ELSE 'SUBMITTED' END, CASE n % 3 WHEN 0 THEN ended END
  FROM org, life, generate_series(1, 10000) AS n;
INSERT INTO leads (organization_id, id, version, created_at, updated_at, name, company, status, partner_id)
SELECT org.id, pg_temp.made(began + n * interval '1 hour', n, 31), 1, began + n * interval '1 hour', began + n * interval '1 hour', 'Lead ' || n, 'Company ' || n,
       pg_temp.pick('{NEW,WORKING,CONVERTED,DISQUALIFIED}', pg_temp.part(n, 60)), CASE WHEN n % 4 = 0 THEN pg_temp.made(began, 1 + pg_temp.whole(n, 61, 24), 13) END
  FROM org, life, generate_series(1, 20000) AS n;
INSERT INTO tickets (organization_id, id, version, created_at, updated_at, number, subject, type, customer_id, partner_id, channel, status, priority, opened_at)
SELECT org.id, pg_temp.made(at, m, 32), 1, at, at, 'T-' || m, 'Question ' || m, pg_temp.pick('{QUESTION,PROBLEM,REQUEST,COMPLAINT}', pg_temp.part(m, 62)), s.id,
       CASE WHEN m % 50 = 0 THEN pg_temp.made(began, 1 + pg_temp.whole(m, 63, 24), 13) END, 'WEB', pg_temp.pick('{OPEN,WAITING,CLOSED,CLOSED,CLOSED}', pg_temp.part(m, 64)), 'NORMAL', at
  FROM org, life, (SELECT m, c.id, c.at + m % 97 * interval '1 second' AS at FROM generate_series(1, :customers) AS m, numbered c WHERE c.n = 1 + pg_temp.whole(m, 65, :customers)) AS s;
INSERT INTO tasks (organization_id, id, version, created_at, updated_at, subject, due_on, done_at, customer_id, owner_id)
SELECT org.id, pg_temp.made(at, n, 33), 1, at, at, 'Task ' || n, at::date + 30, CASE WHEN n % 3 > 0 THEN at END, c.id, pg_temp.made(began, 8 + pg_temp.whole(n, 66, 46), 2)
  FROM org, life, numbered c WHERE n % 5 = 0;
INSERT INTO partner_activities (organization_id, id, version, created_at, updated_at, partner_id, customer_id, kind, subject, happened_at)
SELECT org.id, pg_temp.made(s.row_created_at, n, 34), 1, s.row_created_at, s.row_created_at, s.partner_id, s.customer_id, 'VISIT', 'Visit ' || n, s.row_created_at + interval '3 days'
  FROM org, (SELECT s.*, row_number() OVER (ORDER BY s.id) AS n FROM customer_shares s WHERE partner_id IS NOT NULL) AS s WHERE n % 4 = 0;
INSERT INTO lead_offers (organization_id, id, version, created_at, updated_at, lead_id, partner_id, status, offered_at, accept_by, responded_at)
SELECT org.id, pg_temp.made(l.created_at, 1, 35), 1, l.created_at, l.created_at, l.id, l.partner_id, CASE l.status WHEN 'NEW' THEN 'OFFERED' ELSE 'ACCEPTED' END,
       l.created_at, l.created_at + interval '2 days', CASE l.status WHEN 'NEW' THEN NULL ELSE l.created_at + interval '5 hours' END
  FROM org, leads l WHERE partner_id IS NOT NULL;
INSERT INTO partner_scorecards (organization_id, id, version, created_at, updated_at, partner_id, period, starts_on, ends_on, currency)
SELECT org.id, pg_temp.made(began, n * 10 + q, 36), 1, began, began, pg_temp.made(began, n, 13), '2023-Q' || q, make_date(2023, 3 * q - 2, 1), (make_date(2023, 3 * q - 2, 1) + interval '3 months - 1 day')::date, 'EUR'
  FROM org, life, generate_series(1, 24) AS n, generate_series(1, 4) AS q;
