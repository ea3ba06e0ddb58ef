SELECT (
  SELECT row_to_json(x)
  FROM (
    SELECT (
      SELECT row_to_json(x)
      FROM (
        SELECT t1.name AS "name", 'cus_' || encode(uuid_send(t1.id), 'hex') AS "id", t1.created_at AS "createdAt", t1.name AS "called", t1.city AS "city"
        FROM customers t1
        WHERE t1.organization_id = $1::uuid AND t1.id = $2::uuid
      ) x
    ) AS "one", (
      SELECT row_to_json(x)
      FROM (
        SELECT t2.name AS "name", 'cus_' || encode(uuid_send(t2.id), 'hex') AS "id", t2.created_at AS "createdAt", 'Customer'::text AS "__typename"
        FROM customers t2
        WHERE t2.organization_id = $1::uuid AND t2.id = $2::uuid
      ) x
    ) AS "again", '"Query"'::json AS "__typename"
  ) x
)
