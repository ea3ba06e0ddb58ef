-- One organisation with :customers companies under made-up names of one to three words, some in groups, and its partners.

CREATE FUNCTION pg_temp.word(n bigint, purpose bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN initcap(
        pg_temp.pick('{ba,bel,bran,dor,el,fal,gru,hal,kar,kes,lan,lor,mar,mon,nor,os,pel,rau,ros,sal,sen,tan,tor,ul,val,ven,wal,zel}', pg_temp.part(n, purpose))
        || pg_temp.pick('{a,ba,ber,den,der,di,go,ka,ken,len,li,ma,mer,ne,ni,ra,ren,ri,sa,ser,ta,ten,ti,vi}', pg_temp.part(n, purpose + 1))
        || CASE WHEN n % 3 > 0 THEN pg_temp.pick('{bach,berg,co,dorf,feld,hof,is,kamp,la,mann,nex,on,ra,sen,stein,tec,thal,us,vik,wald}', pg_temp.part(n, purpose + 2)) ELSE '' END);

INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)
SELECT org.id, org.id, 1, began, began, 'Benchmark', 'EUR', ARRAY['localhost', '127.0.0.1'] FROM org, life;

INSERT INTO partners (organization_id, id, version, created_at, updated_at, name, kind)
SELECT org.id, pg_temp.made(began, n, 13), 1, began, began, 'Partner ' || n, 'RESELLER' FROM org, life, generate_series(1, 20) AS n;

INSERT INTO pipelines (organization_id, id, version, created_at, updated_at, name)
SELECT org.id, pg_temp.made(began, 1, 4), 1, began, began, 'Sales' FROM org, life;
INSERT INTO stages (organization_id, id, version, created_at, updated_at, pipeline_id, name, position, probability, outcome)
SELECT org.id, pg_temp.made(began, n, 5), 1, began, began, pg_temp.made(began, 1, 4), 'Stage ' || n, n, (ARRAY[10, 25, 40, 60, 80, 100, 0])[n],
       CASE n WHEN 6 THEN 'WON' WHEN 7 THEN 'LOST' ELSE 'OPEN' END
  FROM org, life, generate_series(1, 7) AS n;

CREATE TEMP TABLE numbered AS
SELECT n, pg_temp.made(at, n, 6) AS id, at
  FROM life, generate_series(1, :customers) AS n, LATERAL (SELECT began + (ended - began) * (n / (:customers + 1.0)) + n % 997 * interval '1 microsecond' AS at) AS t;
CREATE UNIQUE INDEX ON numbered (n);
ANALYZE numbered;

-- every twentieth is part of a group of ten, and one group has five hundred
INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, segment, stage, email, phone, city, country, tax_number, currency, parent_id)
SELECT org.id, c.id, 1, c.at, c.at,
       pg_temp.word(c.n, 60) || CASE WHEN c.n % 5 = 0 THEN ' ' || pg_temp.word(c.n, 70) ELSE '' END
           || CASE WHEN c.n % 10 < 6 THEN ' ' || pg_temp.pick('{Maschinenbau,Logistik,Bau,Software,Consulting,Textil,Energie,Pharma,Foods,Trading,Technik,Services}', pg_temp.part(c.n, 64)) ELSE '' END
           || pg_temp.pick('{" GmbH"," AG"," GmbH & Co. KG"," S.A."," Ltd."," s.r.o."," AB",""}', pg_temp.part(c.n, 65)),
       CASE WHEN c.n % 50 = 0 THEN 'HOUSEHOLD' ELSE 'ORGANIZATION' END,
       pg_temp.pick('{CONSUMER,SMALL_BUSINESS,SMALL_BUSINESS,MID_MARKET,ENTERPRISE}', pg_temp.part(c.n, 13)),
       pg_temp.pick('{PROSPECT,CUSTOMER,REPEAT,LOYAL}', pg_temp.part(c.n, 14)), 'info@customer' || c.n || '.example', '+4930' || lpad(c.n::text, 8, '0'),
       pg_temp.pick('{Berlin,Zürich,Łódź,Orléans,Málaga,Αθήνα,София,Malmö,Leeds,Wien}', pg_temp.part(c.n, 16)),
       pg_temp.pick('{DE,CH,PL,FR,ES,GR,BG,SE,GB,AT}', pg_temp.part(c.n, 16)), 'DE' || lpad(c.n::text, 9, '0'), 'EUR', p.id
  FROM org, numbered c LEFT JOIN numbered p ON p.n = CASE WHEN c.n BETWEEN 2 AND 500 THEN 1 WHEN c.n % 20 = 7 AND c.n > 1000 THEN c.n - c.n % 200 END AND p.n <> c.n
 ORDER BY c.at;

INSERT INTO opportunities (organization_id, id, version, created_at, updated_at, name, customer_id, partner_id, pipeline_id, stage_id, status, currency, amount,
                           probability, engaged_on, close_on)
SELECT org.id, pg_temp.made(s.at, m, 10), 1, s.at, s.at, 'Opportunity ' || m, c.id, CASE WHEN m % 7 = 0 THEN pg_temp.made(began, 1 + m % 20, 13) END,
       st.pipeline_id, st.id, st.outcome, 'EUR', 100 + m % 9000, st.probability, s.at::date, s.at::date + 60
  FROM org, generate_series(1, :customers * 2) AS m
  JOIN numbered c ON c.n = 1 + (m::bigint * 7919) % :customers,
       LATERAL (SELECT c.at + m % 991 * interval '1 minute' AS at, began FROM life) AS s,
       LATERAL (SELECT * FROM stages st WHERE st.position = 1 + floor(7 * pg_temp.part(m, 22))) AS st
 ORDER BY s.at;
