SELECT json_build_object(
    'edges', coalesce(json_agg(e) FILTER (WHERE n <= 100), '[]'::json),
    'pageInfo', json_build_object('hasNextPage', count(*) > 100, 'hasPreviousPage', false,
        'startCursor', (array_agg(e."cursor"))[1], 'endCursor', (array_agg(e."cursor"))[least(count(*), 100)]),
    'totalCount', (SELECT count(*) FROM customers t
                    WHERE t.organization_id = {organization} AND t.segment = {segment} AND t.stage = {stage}))
  FROM (
    SELECT row_number() OVER () AS n, 1 AS "cursor", 1 AS node
      FROM customers c WHERE c.organization_id = {organization} AND c.segment = {segment} AND c.stage = {stage}
     ORDER BY c.created_at DESC, c.id DESC LIMIT 101
) e
