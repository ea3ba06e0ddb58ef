SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", t1.kind AS "kind", CASE WHEN t1k.cl >= 20 THEN t1.segment END AS "segment", CASE WHEN t1k.cl >= 20 THEN t1.stage END AS "stage", CASE WHEN t1k.cl >= 20 THEN t1.city END AS "city", CASE WHEN t1k.cl >= 20 THEN t1.country END AS "country", CASE WHEN t1k.cl >= 30 THEN t1.email WHEN t1k.cl >= 20 THEN t1.email_mask END AS "email", CASE WHEN t1k.cl >= 30 THEN t1.phone WHEN t1k.cl >= 20 THEN t1.phone_mask END AS "phone", CASE WHEN CASE WHEN t1k.cl >= 30 THEN crm_mask_bucket(t1.credit_limit) END IS NOT NULL THEN json_build_object(
      'amount', (CASE WHEN t1k.cl >= 30 THEN crm_mask_bucket(t1.credit_limit) END)::text, 'currency', t1.currency
    ) END AS "creditLimit", CASE WHEN t1k.cl >= 30 THEN '["bornOn","lifetimeValue","riskNote"]'::json WHEN t1k.cl >= 20 THEN '["version","updatedAt","source","externalId","bornOn","employees","taxNumber","creditLimit","limitRequest","lifetimeValue","riskNote","notes","owner","team","territory","parent"]'::json WHEN t1k.cl >= 10 THEN '["version","updatedAt","source","externalId","segment","stage","industry","email","phone","website","city","country","locale","bornOn","foundedIn","employees","taxNumber","annualRevenue","creditLimit","limitRequest","lifetimeValue","riskNote","notes","owner","team","territory","parent"]'::json END AS "hiddenFields", CASE WHEN t1k.cl >= 30 THEN '["taxNumber","creditLimit"]'::json WHEN t1k.cl >= 20 THEN '["email","phone","annualRevenue"]'::json WHEN t1k.cl >= 10 THEN '[]'::json END AS "maskedFields"
    FROM customers t1
    CROSS JOIN LATERAL (
      SELECT greatest(
        (
          SELECT max(least(30, sh.clearance))
          FROM customer_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        )
      ) AS cl OFFSET 0
    ) t1k
    WHERE t1.organization_id = $1::uuid AND (
      EXISTS (
        SELECT 1
        FROM customer_shares sh
        WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
      )
    ) AND t1.id = $3::uuid
  ) x
)
