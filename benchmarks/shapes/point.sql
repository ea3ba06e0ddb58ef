SELECT row_to_json(x) FROM (
    SELECT 'cus_' || encode(uuid_send(c.id), 'hex') AS id, c.name, c.kind, c.segment, c.stage, c.email, c.phone, c.city, c.country,
           c.created_at AS "createdAt"
      FROM customers c WHERE c.organization_id = {organization} AND c.id = {id}
) x
