SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.name AS "name", t1.kind AS "kind", t1.segment AS "segment", t1.stage AS "stage", t1.city AS "city", t1.country AS "country", t1.email AS "email", t1.phone AS "phone", CASE WHEN t1.credit_limit IS NOT NULL THEN json_build_object('amount', (t1.credit_limit)::text, 'currency', t1.currency) END AS "creditLimit", '[]'::json AS "hiddenFields", '[]'::json AS "maskedFields"
    FROM customers t1
    WHERE t1.organization_id = $1::uuid AND t1.id = $2::uuid
  ) x
)
