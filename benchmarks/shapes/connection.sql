SELECT row_to_json(z) FROM (
    SELECT (SELECT coalesce(json_agg(e), '[]'::json) FROM (
               SELECT encode(uuid_send(c.id) || substr(sha256({key} || uuid_send(c.id) || convert_to(ROW(c.created_at)::text, 'UTF8')), 1, 11),
                             'base64') AS "cursor",
                      (SELECT row_to_json(x) FROM (
                          SELECT 'cus_' || encode(uuid_send(c.id), 'hex') AS id, c.name, c.kind, c.segment, c.stage, c.industry, c.email, c.phone,
                                 c.website, c.city, c.country, c.founded_in AS "foundedIn", c.employees,
                                 CASE WHEN c.credit_limit IS NOT NULL
                                     THEN json_build_object('amount', c.credit_limit::text, 'currency', c.currency) END AS "creditLimit",
                                 c.created_at AS "createdAt"
                      ) x) AS node
                 FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
                ORDER BY c.created_at DESC, c.id DESC LIMIT 100
           ) e) AS edges,
           (SELECT row_to_json(p) FROM (
               SELECT EXISTS (
                          SELECT FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
                           ORDER BY c.created_at DESC, c.id DESC OFFSET 100 LIMIT 1
                      ) AS "hasNextPage",
                      false AS "hasPreviousPage",
                      (SELECT encode(uuid_send(c.id) || substr(sha256({key} || uuid_send(c.id) || convert_to(ROW(c.created_at)::text, 'UTF8')), 1, 11),
                                     'base64')
                         FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
                        ORDER BY c.created_at DESC, c.id DESC LIMIT 1) AS "startCursor",
                      (SELECT encode(uuid_send(c.id) || substr(sha256({key} || uuid_send(c.id) || convert_to(ROW(c.created_at)::text, 'UTF8')), 1, 11),
                                     'base64')
                         FROM (SELECT c.id, c.created_at
                                 FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
                                ORDER BY c.created_at DESC, c.id DESC LIMIT 100) c
                        ORDER BY c.created_at, c.id LIMIT 1) AS "endCursor"
           ) p) AS "pageInfo",
           (SELECT count(*) FROM customers c
             WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}) AS "totalCount"
) z
