-- A service desk with :customers open tickets and as many closed ones, 100 agents, one policy, and a timer for each that is open.
-- Of the open ones 3 % are late, 2 % due soon, a quarter wait for their customers and a tenth for somebody to take them.

INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)
SELECT org.id, org.id, 1, began, began, 'Benchmark', 'EUR', ARRAY['localhost', '127.0.0.1'] FROM org, life;

INSERT INTO teams (organization_id, id, version, created_at, updated_at, name)
SELECT org.id, pg_temp.made(began, n, 1), 1, began, began, 'Team ' || n FROM org, life, generate_series(1, 5) AS n;

INSERT INTO users (organization_id, id, version, created_at, updated_at, name, email, status, roles, team_id, manager_id)
SELECT org.id, pg_temp.made(began, n, 2), 1, began, began, 'Agent ' || n, 'user' || n || '@benchmark.example', 'ACTIVE', '{service_agent}',
       pg_temp.made(began, 1 + n % 5, 1), CASE WHEN n > 5 THEN pg_temp.made(began, 1 + n % 5, 2) END
  FROM org, life, generate_series(1, 100) AS n;

INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, stage, currency)
SELECT org.id, pg_temp.made(began, n, 6), 1, began, began, 'Customer ' || n, 'ORGANIZATION', 'CUSTOMER', 'EUR'
  FROM org, life, generate_series(1, 2000) AS n;

INSERT INTO sla_policies (organization_id, id, version, created_at, updated_at, name, clock, resolution_minutes, warning_percent)
SELECT org.id, pg_temp.made(began, 1, 30), 1, began, began, 'Ten days', 'ELAPSED', 14400, 90 FROM org, life;

CREATE TEMP TABLE asked AS
SELECT n, n <= :customers AS open, pg_temp.part(n, 31) AS age,
       now() - interval '1 day' * CASE WHEN n > :customers THEN 12 + 300 * pg_temp.part(n, 32)
                                       WHEN pg_temp.part(n, 31) < 0.03 THEN 10 + 2 * pg_temp.part(n, 32)
                                       WHEN pg_temp.part(n, 31) < 0.05 THEN 9 + pg_temp.part(n, 32)
                                       ELSE 9 * pg_temp.part(n, 32) END AS at,
       CASE WHEN n > :customers THEN 'CLOSED' WHEN pg_temp.part(n, 31) > 0.75 THEN 'WAITING' WHEN n % 3 = 0 THEN 'NEW' ELSE 'OPEN' END AS status
  FROM generate_series(1, :customers * 2) AS n;

INSERT INTO tickets (organization_id, id, version, created_at, updated_at, number, subject, customer_id, channel, status, priority, opened_at,
                     last_customer_message_at, waiting_since, closed_at, assignee_id, team_id, sla_policy_id, sla_status, sla_due_at, resolution_due_at,
                     resolution_breached_at, unanswered_since, sla_stays, sla_marks, sla_reckoned_at)
SELECT org.id, pg_temp.made(at, n, 12), 1, at, at, 'T-' || n, 'Question ' || n, pg_temp.made(began, 1 + n % 2000, 6), 'WEB', status,
       pg_temp.pick('{LOW,NORMAL,NORMAL,HIGH,URGENT}', pg_temp.part(n, 33)), at, at, CASE WHEN status = 'WAITING' THEN at END,
       CASE WHEN NOT open THEN at + interval '1 day' END,
       CASE WHEN n % 10 > 0 OR NOT open THEN pg_temp.made(began, 1 + n % 100, 2) END, pg_temp.made(began, 1 + n % 5, 1), pg_temp.made(began, 1, 30),
       CASE WHEN NOT open THEN 'MET' WHEN status = 'WAITING' THEN 'PAUSED' WHEN age < 0.03 THEN 'BREACHED' WHEN age < 0.05 THEN 'DUE_SOON' ELSE 'ON_TRACK' END,
       CASE WHEN status IN ('NEW', 'OPEN') THEN at + interval '10 days' END, CASE WHEN status <> 'WAITING' THEN at + interval '10 days' END,
       CASE WHEN open AND age < 0.03 THEN at + interval '10 days' END, CASE WHEN open THEN at END,
       CASE WHEN status = 'WAITING' THEN ARRAY['WAITING ' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00/"')] ELSE '{}' END,
       CASE WHEN open AND age < 0.03 THEN ARRAY['RESOLUTION BREACHED', 'RESOLUTION WARNED'] WHEN open AND age < 0.05 THEN ARRAY['RESOLUTION WARNED'] ELSE '{}' END, at
  FROM org, life, asked;

INSERT INTO timers (organization_id, kind, row_id, due_at)
SELECT organization_id, 'sla.ticket', id, sla_due_at + interval '1 year' FROM tickets WHERE sla_due_at IS NOT NULL;
