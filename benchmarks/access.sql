-- One organisation with :customers customers whom everybody sees differently, the same at every run.
-- A rep owns 2 %, has 10 % in their team and the one below it, and 500 shares; partners have 100, 5,000 and, of the older half, 90,000.

CREATE FUNCTION pg_temp.whole(n bigint, purpose bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended(n, purpose) & 9007199254740991) % below;

INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)
SELECT org.id, org.id, 1, began, began, 'Benchmark', 'EUR', ARRAY['localhost', '127.0.0.1'] FROM org, life;

INSERT INTO teams (organization_id, id, version, created_at, updated_at, name, parent_id)
SELECT org.id, pg_temp.made(began, n, 1), 1, began, began, 'Team ' || n, CASE WHEN n = 19 THEN pg_temp.made(began, 8, 1) END
  FROM org, life, generate_series(1, 20) AS n;

INSERT INTO partners (organization_id, id, version, created_at, updated_at, name, kind)
SELECT org.id, pg_temp.made(began, n, 13), 1, began, began, 'Partner ' || n, 'RESELLER' FROM org, life, generate_series(1, 24) AS n;

-- 1 administrates, 7 is the rep, 51, 52 and 53 are the partners' people
INSERT INTO users (organization_id, id, version, created_at, updated_at, name, email, status, roles, team_id, partner_id)
SELECT org.id, pg_temp.made(began, n, 2), 1, began, began, 'User ' || n, 'user' || n || '@benchmark.example', 'ACTIVE',
       ARRAY[CASE WHEN n = 1 THEN 'administrator' WHEN n <= 50 THEN 'sales_rep' ELSE 'partner_rep' END],
       CASE WHEN n = 7 THEN pg_temp.made(began, 8, 1) WHEN n <= 50 THEN pg_temp.made(began, 1 + n % 20, 1) END,
       CASE WHEN n > 50 THEN pg_temp.made(began, n - 50, 13) END
  FROM org, life, generate_series(1, 53) AS n;

INSERT INTO pipelines (organization_id, id, version, created_at, updated_at, name)
SELECT org.id, pg_temp.made(began, 1, 4), 1, began, began, 'Sales' FROM org, life;
INSERT INTO stages (organization_id, id, version, created_at, updated_at, pipeline_id, name, position, probability, outcome)
SELECT org.id, pg_temp.made(began, n, 5), 1, began, began, pg_temp.made(began, 1, 4), 'Stage ' || n, n, (ARRAY[10, 25, 40, 60, 80, 100, 0])[n],
       CASE n WHEN 6 THEN 'WON' WHEN 7 THEN 'LOST' ELSE 'OPEN' END
  FROM org, life, generate_series(1, 7) AS n;

CREATE TEMP TABLE numbered AS
SELECT n, pg_temp.made(at, n, 6) AS id, at
  FROM life, generate_series(1, :customers) AS n, LATERAL (SELECT began + (ended - began) * (n / (:customers + 1.0)) + n % 997 * interval '1 microsecond' AS at) AS t;
ANALYZE numbered;

INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, segment, stage, industry, email, phone, website, city, country,
                       locale, founded_in, employees, tax_number, currency, annual_revenue, credit_limit, lifetime_value, notes, owner_id, team_id)
SELECT org.id, c.id, 1, at, at,
       pg_temp.pick('{Müller,Łuczak,Dubois,García,Ångström,Öztürk,Smith,Weiß,Novák,Șerban}', pg_temp.part(n, 10)) || ' '
           || pg_temp.pick('{Maschinenbau,Logistik,Bäckerei,Software,Consulting,Textil,Energie,Pharma}', pg_temp.part(n, 11)) || ' ' || n,
       pg_temp.pick('{PERSON,ORGANIZATION,ORGANIZATION,HOUSEHOLD}', pg_temp.part(n, 12)),
       pg_temp.pick('{CONSUMER,CONSUMER,SMALL_BUSINESS,MID_MARKET,ENTERPRISE}', pg_temp.part(n, 13)),
       pg_temp.pick('{PROSPECT,CUSTOMER,REPEAT,LOYAL}', pg_temp.part(n, 14)),
       pg_temp.pick('{Manufacturing,Logistics,Food,Software,Services,Retail}', pg_temp.part(n, 15)),
       chr((97 + n % 26)::integer) || 'info' || n || '@customer' || n || '.example', '+49302312' || lpad((n % 10000)::text, 4, '0'), 'https://customer' || n || '.example',
       pg_temp.pick('{Berlin,Zürich,Łódź,Orléans,Málaga,Αθήνα,София,Malmö,Leeds,Wien}', pg_temp.part(n, 16)),
       pg_temp.pick('{DE,CH,PL,FR,ES,GR,BG,SE,GB,AT}', pg_temp.part(n, 16)), 'de-DE', 1900 + n % 120, CASE WHEN n % 9 > 0 THEN 1 + pg_temp.whole(n, 40, 5000) END,
       'DE00' || lpad(n::text, 7, '0'), 'EUR', CASE WHEN n % 7 > 0 THEN (1000 * pg_temp.whole(n, 41, 5000))::numeric(14, 2) END,
       CASE WHEN n % 8 > 0 THEN round(pg_temp.whole(n, 42, 10000000) / 100.0, 2) END, round(pg_temp.whole(n, 43, 500000000) / 100.0, 2),
       CASE WHEN n % 5 = 0 THEN 'A note about customer ' || n END,
       pg_temp.made(began, CASE WHEN pg_temp.whole(n, 44, 100) < 2 THEN 7 ELSE 8 + pg_temp.whole(n, 45, 43) END, 2),
       pg_temp.made(began, CASE pg_temp.whole(n, 46, 20) WHEN 0 THEN 8 WHEN 1 THEN 19 ELSE 9 + pg_temp.whole(n, 47, 10) END, 1)
  FROM org, life, numbered c ORDER BY c.at;

INSERT INTO contacts (organization_id, id, version, created_at, updated_at, customer_id, name, role, job_title, email)
SELECT org.id, pg_temp.made(s.at, n * 4 + k, 7), 1, s.at, s.at, s.id, 'Contact ' || k || ' of ' || n,
       pg_temp.pick('{DECISION_MAKER,PAYER,USER,INFLUENCER,PORTAL_USER}', pg_temp.part(n * 4 + k, 17)), 'Head of ' || k, 'contact' || k || '@customer' || n || '.example'
  FROM org, (SELECT n, k, c.id, c.at + k * interval '1 hour' AS at FROM numbered c, generate_series(1, 1 + n % 3) AS k) AS s ORDER BY s.at;

INSERT INTO opportunities (organization_id, id, version, created_at, updated_at, name, customer_id, pipeline_id, stage_id, status, currency, amount,
                           cost, probability, engaged_on, close_on, owner_id, team_id)
SELECT org.id, pg_temp.made(at, m, 10), 1, at, at, 'Opportunity ' || m, s.id, st.pipeline_id, st.id, st.outcome, 'EUR',
       round(pg_temp.whole(m, 50, 100000000) / 100.0, 2), round(pg_temp.whole(m, 51, 50000000) / 100.0, 2), st.probability, at::date, at::date + 60,
       pg_temp.made(began, CASE WHEN pg_temp.whole(m, 52, 100) < 2 THEN 7 ELSE 8 + pg_temp.whole(m, 53, 43) END, 2),
       pg_temp.made(began, CASE pg_temp.whole(m, 54, 20) WHEN 0 THEN 8 WHEN 1 THEN 19 ELSE 9 + pg_temp.whole(m, 55, 10) END, 1)
  FROM org, (SELECT m, c.id, c.at + (ended - c.at) * pg_temp.part(m, 21) + m % 991 * interval '1 microsecond' AS at, began
               FROM life, generate_series(1, :customers * 2) AS m, numbered c WHERE c.n = 1 + pg_temp.whole(m, 56, :customers)) AS s,
       LATERAL (SELECT * FROM stages st WHERE st.position = 1 + floor(7 * pg_temp.part(m, 22))) AS st
 ORDER BY s.at;

-- partner: number, shares; a tenth reaches INTERNAL, a twentieth has ended
CREATE TEMP TABLE sharing AS
SELECT * FROM (VALUES (1, 5000), (2, 100), (3, 90000)) AS big(partner, many)
UNION ALL SELECT n, 2000 FROM generate_series(4, 23) AS n;
INSERT INTO customer_shares (organization_id, id, version, created_at, updated_at, customer_id, partner_id, level, valid_from, valid_until, row_created_at)
SELECT org.id, pg_temp.made(began, 1000000 * s.partner + k, 14), 1, began, began, c.id, pg_temp.made(began, s.partner, 13),
       CASE k % 10 WHEN 0 THEN 'INTERNAL' ELSE 'PARTNER' END, '1970-01-01Z', CASE k % 20 WHEN 7 THEN '2020-01-01Z' ELSE '9999-01-01Z' END::timestamptz, c.at
  FROM org, life, sharing s, generate_series(1, (least(s.many, :customers / 2) * 20) / 19) AS k,
       LATERAL (SELECT id, at FROM numbered WHERE n = 1 + (k::bigint * 7919 + s.partner * 31) % (:customers / CASE WHEN s.many > 50000 THEN 2 ELSE 1 END)) AS c;
INSERT INTO customer_shares (organization_id, id, version, created_at, updated_at, customer_id, user_id, level, valid_from, valid_until, row_created_at)
SELECT org.id, pg_temp.made(began, k, 15), 1, began, began, c.id, pg_temp.made(began, 7, 2), CASE k % 5 WHEN 0 THEN 'CONFIDENTIAL' ELSE 'INTERNAL' END,
       '1970-01-01Z', '9999-01-01Z', c.at
  FROM org, life, generate_series(1, 500) AS k, LATERAL (SELECT id, at FROM numbered WHERE n = 1 + (k * 391 + 17) % :customers) AS c;
INSERT INTO opportunity_shares (organization_id, id, version, created_at, updated_at, opportunity_id, partner_id, user_id, level, valid_from, valid_until, row_created_at)
SELECT org.id, pg_temp.made(began, substr(o.name, 13)::bigint, 16), 1, began, began, o.id,
       CASE WHEN substr(o.name, 13)::bigint % 4 > 0 THEN pg_temp.made(began, 1, 13) END, CASE WHEN substr(o.name, 13)::bigint % 4 = 0 THEN pg_temp.made(began, 7, 2) END,
       'PARTNER', '1970-01-01Z', '9999-01-01Z', o.created_at
  FROM org, life, opportunities o WHERE substr(o.name, 13)::bigint % 40 IN (0, 1);
