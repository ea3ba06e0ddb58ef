-- One organisation with :customers customers and what belongs to them, the same at every run.
-- Rows come in the order of their creation, as they would in life, so that a customer's orders are not neighbours on disk.

INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)
SELECT org.id, org.id, 1, began, began, 'Benchmark', 'EUR', ARRAY['localhost', '127.0.0.1'] FROM org, life;

INSERT INTO teams (organization_id, id, version, created_at, updated_at, name)
SELECT org.id, pg_temp.made(began, n, 1), 1, began, began, 'Team ' || n FROM org, life, generate_series(1, 5) AS n;

INSERT INTO users (organization_id, id, version, created_at, updated_at, name, email, status, roles, team_id)
SELECT org.id, pg_temp.made(began, n, 2), 1, began, began, pg_temp.pick('{Anna,Björn,Chloé,Đorđe,Eszter,Fatma,Günther,Hélène}', pg_temp.part(n, 1)) || ' ' || n,
       'user' || n || '@benchmark.example', 'ACTIVE', ARRAY[CASE n WHEN 1 THEN 'sales_manager' ELSE 'sales_rep' END],
       pg_temp.made(began, 1 + n % 5, 1)
  FROM org, life, generate_series(1, 50) AS n;

INSERT INTO products (organization_id, id, version, created_at, updated_at, name, sku, series, currency, list_price, unit_cost, active, stock)
SELECT org.id, pg_temp.made(began, n, 3), 1, began, began, 'Product ' || n, 'SKU-' || n, 'Series ' || n % 7, 'EUR', 10 * n + 9.90, 6 * n + 3.20, true, n
  FROM org, life, generate_series(1, 50) AS n;

INSERT INTO pipelines (organization_id, id, version, created_at, updated_at, name)
SELECT org.id, pg_temp.made(began, 1, 4), 1, began, began, 'Sales' FROM org, life;
INSERT INTO stages (organization_id, id, version, created_at, updated_at, pipeline_id, name, position, probability, outcome)
SELECT org.id, pg_temp.made(began, n, 5), 1, began, began, pg_temp.made(began, 1, 4), 'Stage ' || n, n, (ARRAY[10, 25, 40, 60, 80, 100, 0])[n],
       CASE n WHEN 6 THEN 'WON' WHEN 7 THEN 'LOST' ELSE 'OPEN' END
  FROM org, life, generate_series(1, 7) AS n;

CREATE TEMP TABLE numbered AS
SELECT n, pg_temp.made(at, n, 6) AS id, at
  FROM life, generate_series(1, :customers) AS n, LATERAL (SELECT began + (ended - began) * (n / (:customers + 1.0)) + n % 997 * interval '1 microsecond' AS at) AS t;

INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, segment, stage, industry, email, phone, website, city, country,
                       locale, founded_in, employees, tax_number, currency, annual_revenue, credit_limit, lifetime_value, notes, owner_id, team_id)
SELECT org.id, c.id, 1, at, at,
       pg_temp.pick('{Müller,Łuczak,Dubois,García,Ångström,Öztürk,Smith,Weiß,Novák,Șerban}', pg_temp.part(n, 10)) || ' '
           || pg_temp.pick('{Maschinenbau,Logistik,Bäckerei,Software,Consulting,Textil,Energie,Pharma}', pg_temp.part(n, 11)) || ' ' || n,
       pg_temp.pick('{PERSON,ORGANIZATION,ORGANIZATION,HOUSEHOLD}', pg_temp.part(n, 12)),
       pg_temp.pick('{CONSUMER,CONSUMER,SMALL_BUSINESS,MID_MARKET,ENTERPRISE}', pg_temp.part(n, 13)),
       pg_temp.pick('{PROSPECT,CUSTOMER,REPEAT,LOYAL}', pg_temp.part(n, 14)),
       pg_temp.pick('{Manufacturing,Logistics,Food,Software,Services,Retail}', pg_temp.part(n, 15)),
       'customer' || n || '@benchmark.example', '+49302312' || lpad((n % 10000)::text, 4, '0'), 'https://customer' || n || '.example',
       pg_temp.pick('{Berlin,Zürich,Łódź,Orléans,Málaga,Αθήνα,София,Malmö,Leeds,Wien}', pg_temp.part(n, 16)),
       pg_temp.pick('{DE,CH,PL,FR,ES,GR,BG,SE,GB,AT}', pg_temp.part(n, 16)), 'de-DE', 1900 + n % 120, 1 + n % 2000, 'DE00' || lpad(n::text, 7, '0'), 'EUR',
       (1000 * (n % 5000))::numeric(14, 2), (500 * (n % 200))::numeric(14, 2), round((n % 90000)::numeric * 1.37, 2), CASE WHEN n % 5 = 0 THEN 'A note about customer ' || n END,
       pg_temp.made(began, 1 + n % 50, 2), pg_temp.made(began, 1 + n % 5, 1)
  FROM org, life, numbered c ORDER BY c.at;

INSERT INTO contacts (organization_id, id, version, created_at, updated_at, customer_id, name, role, job_title, email)
SELECT org.id, pg_temp.made(s.at, n * 4 + k, 7), 1, s.at, s.at, s.id, 'Contact ' || k || ' of ' || n,
       pg_temp.pick('{DECISION_MAKER,PAYER,USER,INFLUENCER,PORTAL_USER}', pg_temp.part(n * 4 + k, 17)), 'Head of ' || k, 'contact' || k || '@customer' || n || '.example'
  FROM org, (SELECT n, k, c.id, c.at + k * interval '1 hour' AS at FROM numbered c, generate_series(1, 1 + n % 3) AS k) AS s ORDER BY s.at;

-- Older customers have more of everything; nobody's are created at the same moment.
CREATE FUNCTION pg_temp.whose(m bigint, of bigint, bend float8) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN 1 + floor(:customers * power((m - 0.5) / of, bend))::bigint;

INSERT INTO orders (organization_id, id, version, created_at, updated_at, number, customer_id, channel, status, placed_at, currency, total)
SELECT org.id, pg_temp.made(at, m, 8), 1, at, at, 'O-' || lpad(m::text, 8, '0'), s.id,
       pg_temp.pick('{WEB,MOBILE,BRANCH,PHONE}', pg_temp.part(m, 18)), pg_temp.pick('{PLACED,PAID,SHIPPED,DELIVERED,DELIVERED,DELIVERED}', pg_temp.part(m, 19)),
       at, 'EUR', 0
  FROM org, (SELECT m, c.id, c.at + (ended - c.at) * pg_temp.part(m, 20) + m % 991 * interval '1 microsecond' AS at
               FROM life, generate_series(1, :customers * 5) AS m, numbered c WHERE c.n = pg_temp.whose(m, :customers * 5, 1.5)) AS s ORDER BY s.at;

INSERT INTO order_lines (organization_id, id, version, created_at, updated_at, order_id, product_id, position, quantity, currency, unit_price, unit_cost)
SELECT o.organization_id, pg_temp.made(o.created_at, m * 4 + k, 9), 1, o.created_at, o.created_at, o.id, p.id, k, 1 + (m + k) % 9, 'EUR', p.list_price, p.unit_cost
  FROM (SELECT *, substr(number, 3)::bigint AS m FROM orders) AS o, generate_series(1, 1 + (m % 3)::integer) AS k,
       LATERAL (SELECT * FROM products p WHERE p.sku = 'SKU-' || 1 + (m * 7 + k) % 50) AS p
 ORDER BY o.created_at, k;
UPDATE orders o SET total = t.total
  FROM (SELECT order_id, sum(round(quantity * unit_price, 2)) AS total FROM order_lines GROUP BY order_id) AS t WHERE t.order_id = o.id;

INSERT INTO opportunities (organization_id, id, version, created_at, updated_at, name, customer_id, product_id, pipeline_id, stage_id, status, currency, amount,
                           cost, probability, engaged_on, close_on, owner_id, team_id)
SELECT org.id, pg_temp.made(at, m, 10), 1, at, at, 'Opportunity ' || m, s.id, pg_temp.made(began, 1 + m % 50, 3), st.pipeline_id, st.id, st.outcome, 'EUR',
       round((m % 70000)::numeric * 1.7, 2), round((m % 70000)::numeric * 1.1, 2), st.probability, at::date, at::date + 60,
       pg_temp.made(began, 1 + m % 50, 2), pg_temp.made(began, 1 + m % 5, 1)
  FROM org, (SELECT m, c.id, c.at + (ended - c.at) * pg_temp.part(m, 21) + m % 991 * interval '1 microsecond' AS at, began
               FROM life, generate_series(1, :customers * 2) AS m, numbered c WHERE c.n = pg_temp.whose(m, :customers * 2, 1.2)) AS s,
       LATERAL (SELECT * FROM stages st WHERE st.position = 1 + floor(7 * pg_temp.part(m, 22))) AS st
 ORDER BY s.at;

INSERT INTO proposals (organization_id, id, version, created_at, updated_at, number, title, opportunity_id, customer_id, addressee_id, status, currency,
                       subtotal, cost, valid_until, owner_id, revision, current, discount_percent)
SELECT organization_id, pg_temp.made(at, m * 2 + k, 11), 1, at, at, 'P-' || lpad((m * 2 + k)::text, 8, '0'), 'Proposal ' || k || ' for ' || name, id, customer_id,
       CASE WHEN status <> 'DRAFT' THEN customer_id END, status, 'EUR', amount, cost, at::date + 30, owner_id, 1, TRUE, 0
  FROM (SELECT o.organization_id, o.id, o.name, o.customer_id, o.amount, o.cost, o.owner_id, m, k, o.created_at + k * interval '1 day' AS at,
               pg_temp.pick('{DRAFT,SENT,VIEWED,ACCEPTED,DECLINED}', pg_temp.part(m * 2 + k, 23)) AS status
          FROM (SELECT *, substr(name, 13)::bigint AS m FROM opportunities) AS o, generate_series(1, (m % 3)::integer) AS k) AS s
 ORDER BY s.at;

INSERT INTO tickets (organization_id, id, version, created_at, updated_at, number, subject, customer_id, channel, status, priority, opened_at, assignee_id, team_id)
SELECT org.id, pg_temp.made(at, m, 12), 1, at, at, 'T-' || lpad(m::text, 8, '0'), pg_temp.pick('{Question,Complaint,Fault,Invoice,Delivery}', pg_temp.part(m, 24)) || ' ' || m, s.id,
       pg_temp.pick('{WEB,MAIL,PHONE,CHAT}', pg_temp.part(m, 25)), pg_temp.pick('{NEW,OPEN,WAITING,RESOLVED,CLOSED,CLOSED,CLOSED,CLOSED}', pg_temp.part(m, 26)),
       pg_temp.pick('{LOW,NORMAL,NORMAL,HIGH,URGENT}', pg_temp.part(m, 27)), at, pg_temp.made(began, 1 + m % 50, 2), pg_temp.made(began, 1 + m % 5, 1)
  FROM org, (SELECT m, c.id, c.at + (ended - c.at) * pg_temp.part(m, 28) + m % 991 * interval '1 microsecond' AS at, began
               FROM life, generate_series(1, :customers * 3) AS m, numbered c WHERE c.n = pg_temp.whose(m, :customers * 3, 1.3)) AS s ORDER BY s.at;
