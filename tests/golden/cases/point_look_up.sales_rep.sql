SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", t1.kind AS "kind", t1.segment AS "segment", t1.stage AS "stage", t1.city AS "city", t1.country AS "country", CASE WHEN t1k.cl >= 30 THEN t1.email WHEN t1k.cl >= 20 THEN t1.email_mask END AS "email", CASE WHEN t1k.cl >= 30 THEN t1.phone WHEN t1k.cl >= 20 THEN t1.phone_mask END AS "phone", CASE WHEN CASE WHEN t1k.cl >= 40 THEN t1.credit_limit WHEN t1k.cl >= 30 THEN crm_mask_bucket(t1.credit_limit) END IS NOT NULL THEN json_build_object(
      'amount', (
        CASE WHEN t1k.cl >= 40 THEN t1.credit_limit WHEN t1k.cl >= 30 THEN crm_mask_bucket(t1.credit_limit) END
      )::text, 'currency', t1.currency
    ) END AS "creditLimit", CASE WHEN t1k.cl >= 40 THEN '["riskNote"]'::json WHEN t1k.cl >= 30 THEN '["lifetimeValue","riskNote"]'::json WHEN t1k.cl >= 20 THEN '["version","updatedAt","source","externalId","bornOn","employees","taxNumber","creditLimit","limitRequest","lifetimeValue","riskNote","notes","owner","team","territory","parent"]'::json END AS "hiddenFields", CASE WHEN t1k.cl >= 40 THEN '[]'::json WHEN t1k.cl >= 30 THEN '["bornOn","taxNumber","creditLimit"]'::json WHEN t1k.cl >= 20 THEN '["email","phone","annualRevenue"]'::json END AS "maskedFields"
    FROM customers t1
    CROSS JOIN LATERAL (
      SELECT greatest(
        CASE WHEN t1.owner_id = $2::uuid THEN 40 END, (
          SELECT max(least(40, sh.clearance))
          FROM customer_shares sh
          WHERE sh.organization_id = $1::uuid AND sh.customer_id = t1.id AND sh.grantee_id = ANY($3::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
        ), CASE WHEN t1.team_id = ANY($4::uuid[]) THEN 30 END, 20
      ) AS cl OFFSET 0
    ) t1k
    WHERE t1.organization_id = $1::uuid AND t1.id = $5::uuid
  ) x
)
