SELECT (
  SELECT (
    SELECT row_to_json(x)
    FROM (
      SELECT (
        SELECT count(*)
        FROM customers t4
        CROSS JOIN LATERAL (
          SELECT greatest(
            (
              SELECT max(least(30, sh.clearance))
              FROM customer_shares sh
              WHERE sh.organization_id = $1::uuid AND sh.customer_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
            )
          ) AS cl OFFSET 0
        ) t4k
        WHERE t4.organization_id = $1::uuid AND (
          EXISTS (
            SELECT 1
            FROM customer_shares sh
            WHERE sh.organization_id = $1::uuid AND sh.customer_id = t4.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
          )
        ) AND (
          (
            (
              (
                (
                  (
                    (
                      (
                        (
                          (
                            (
                              (
                                (
                                  (
                                    (
                                      (
                                        (
                                          ((array_to_tsvector(ARRAY[t4.organization_id::text]) || t4.name_search) || t4.industry_search) || t4.email_search
                                        ) || t4.phone_search
                                      ) || t4.website_search
                                    ) || t4.city_search
                                  ) || t4.tax_number_search
                                ) || t4.risk_note_search
                              ) || t4.notes_search
                            ) || COALESCE(t4.custom_text_1_search, ''::tsvector)
                          ) || COALESCE(t4.custom_text_2_search, ''::tsvector)
                        ) || COALESCE(t4.custom_text_3_search, ''::tsvector)
                      ) || COALESCE(t4.custom_text_4_search, ''::tsvector)
                    ) || COALESCE(t4.custom_text_5_search, ''::tsvector)
                  ) || COALESCE(t4.custom_text_6_search, ''::tsvector)
                ) || COALESCE(t4.custom_text_7_search, ''::tsvector)
              ) || COALESCE(t4.custom_text_8_search, ''::tsvector)
            ) || COALESCE(t4.custom_text_9_search, ''::tsvector)
          ) || COALESCE(t4.custom_text_10_search, ''::tsvector)
        ) @@ (
          SELECT crm_query($3::text) && ('''' || $1::uuid || '''')::tsquery
        ) AND (
          t4.name_search || coalesce(CASE WHEN t4k.cl >= 20 THEN t4.industry_search END, ''::tsvector) || coalesce(CASE WHEN t4k.cl >= 30 THEN t4.email_search END, ''::tsvector) || coalesce(CASE WHEN t4k.cl >= 30 THEN t4.phone_search END, ''::tsvector) || coalesce(CASE WHEN t4k.cl >= 20 THEN t4.website_search END, ''::tsvector) || coalesce(CASE WHEN t4k.cl >= 20 THEN t4.city_search END, ''::tsvector) || coalesce(CASE WHEN t4k.cl >= 30 THEN t4.notes_search END, ''::tsvector)
        ) @@ (SELECT crm_query($3::text))
      ) AS "totalCount", a.j0 AS "edges", (
        SELECT row_to_json(x)
        FROM (
          SELECT CASE WHEN least(a.total, 2) > 0 THEN encode(
            uuid_send(a.last_id) || substr(sha256($4::bytea || uuid_send(a.last_id) || convert_to(ROW(a.last_k0)::text, 'UTF8')), 1, 11), 'base64'
          ) END AS "endCursor"
        ) x
      ) AS "pageInfo"
    ) x
  )
  FROM (
    SELECT count(*) AS "total", coalesce(json_agg(q.j0) FILTER (WHERE q.n <= 2), '[]'::json) AS "j0", (array_agg(q.id))[1] AS "first_id", (array_agg(q.id))[least(count(*), 2)] AS "last_id", (array_agg(q.k0))[1] AS "first_k0", (array_agg(q.k0))[least(count(*), 2)] AS "last_k0"
    FROM (
      SELECT row_number() OVER () AS n, r.*
      FROM (
        SELECT t1.id AS "id", (
          ts_rank(
            (
              t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
            ), (SELECT crm_query_any($3::text))
          ) + ts_rank(
            (
              t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
            ), (SELECT crm_query_whole($3::text))
          )
        ) AS "k0", (
          SELECT row_to_json(x)
          FROM (
            SELECT (
              ts_rank(
                (
                  t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
                ), (SELECT crm_query_any($3::text))
              ) + ts_rank(
                (
                  t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
                ), (SELECT crm_query_whole($3::text))
              )
            ) AS "rank", (
              SELECT coalesce(
                json_agg(
                  (
                    SELECT row_to_json(x)
                    FROM (SELECT h.field AS "field", h.text AS "text" ) x
                  )
                ), '[]'::json
              )
              FROM (
                VALUES (
                  'name', CASE WHEN t1.name_search @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    t1.name, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'industry', CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.industry_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 20 THEN t1.industry END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'email', CASE WHEN CASE WHEN t1k.cl >= 30 THEN t1.email_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 30 THEN t1.email END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'phone', CASE WHEN CASE WHEN t1k.cl >= 30 THEN t1.phone_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 30 THEN t1.phone END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'website', CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.website_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 20 THEN t1.website END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'city', CASE WHEN CASE WHEN t1k.cl >= 20 THEN t1.city_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 20 THEN t1.city END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                ), (
                  'notes', CASE WHEN CASE WHEN t1k.cl >= 30 THEN t1.notes_search END @@ (SELECT crm_query_any($3::text)) THEN crm_highlight(
                    CASE WHEN t1k.cl >= 30 THEN t1.notes END, (SELECT crm_words($3::text)), (SELECT crm_query_any($3::text))
                  ) END
                )
              ) h(field, text)
              WHERE h.text IS NOT NULL
            ) AS "highlights", (
              SELECT row_to_json(x)
              FROM (
                SELECT t1.name AS "name", (
                  SELECT row_to_json(x)
                  FROM (
                    SELECT (
                      SELECT count(*)
                      FROM tickets t3
                      CROSS JOIN LATERAL (
                        SELECT greatest(
                          (
                            SELECT least(20, t3pk.cl)
                            FROM customers t3p
                            CROSS JOIN LATERAL (
                              SELECT greatest(
                                CASE WHEN (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) THEN (
                                  SELECT max(least(30, sh.clearance))
                                  FROM customer_shares sh
                                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                                ) END
                              ) AS cl OFFSET 0
                            ) t3pk
                            WHERE t3p.organization_id = $1::uuid AND (
                              (
                                (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) AND EXISTS (
                                  SELECT 1
                                  FROM customer_shares sh
                                  WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                                )
                              )
                            ) AND t3p.id = t3.customer_id
                          ), CASE WHEN t3.partner_id = $5::uuid THEN 20 END
                        ) AS cl OFFSET 0
                      ) t3k
                      WHERE t3.organization_id = $1::uuid AND (
                        EXISTS (
                          SELECT 1
                          FROM customers t3p
                          CROSS JOIN LATERAL (
                            SELECT greatest(
                              CASE WHEN (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) THEN (
                                SELECT max(least(30, sh.clearance))
                                FROM customer_shares sh
                                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                              ) END
                            ) AS cl OFFSET 0
                          ) t3pk
                          WHERE t3p.organization_id = $1::uuid AND (
                            (
                              (t3.partner_id IS NULL AND NOT t3.type = 'COMPLAINT' OR t3.partner_id = $5::uuid) AND EXISTS (
                                SELECT 1
                                FROM customer_shares sh
                                WHERE sh.organization_id = $1::uuid AND sh.customer_id = t3p.id AND sh.grantee_id = ANY($2::uuid[]) AND sh.valid_from <= now() AND sh.valid_until > now()
                              )
                            )
                          ) AND t3p.id = t3.customer_id
                        ) OR t3.partner_id = $5::uuid
                      ) AND (
                        (
                          (
                            (
                              (
                                (
                                  (
                                    (
                                      (
                                        (
                                          ((array_to_tsvector(ARRAY[t3.organization_id::text]) || t3.number_search) || t3.subject_search) || COALESCE(t3.custom_text_1_search, ''::tsvector)
                                        ) || COALESCE(t3.custom_text_2_search, ''::tsvector)
                                      ) || COALESCE(t3.custom_text_3_search, ''::tsvector)
                                    ) || COALESCE(t3.custom_text_4_search, ''::tsvector)
                                  ) || COALESCE(t3.custom_text_5_search, ''::tsvector)
                                ) || COALESCE(t3.custom_text_6_search, ''::tsvector)
                              ) || COALESCE(t3.custom_text_7_search, ''::tsvector)
                            ) || COALESCE(t3.custom_text_8_search, ''::tsvector)
                          ) || COALESCE(t3.custom_text_9_search, ''::tsvector)
                        ) || COALESCE(t3.custom_text_10_search, ''::tsvector)
                      ) @@ (
                        SELECT crm_query($6::text) && ('''' || $1::uuid || '''')::tsquery
                      ) AND (
                        coalesce(CASE WHEN t3k.cl >= 20 THEN t3.number_search END, ''::tsvector) || coalesce(CASE WHEN t3k.cl >= 20 THEN t3.subject_search END, ''::tsvector)
                      ) @@ (SELECT crm_query($6::text)) AND t3.customer_id = t1.id AND CASE WHEN t3k.cl >= 20 THEN t3.customer_id END = t1.id
                    ) AS "totalCount"
                  ) x
                ) AS "tickets"
              ) x
            ) AS "node"
          ) x
        ) AS "j0"
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
        ) AND (
          (
            (
              (
                (
                  (
                    (
                      (
                        (
                          (
                            (
                              (
                                (
                                  (
                                    (
                                      (
                                        (
                                          ((array_to_tsvector(ARRAY[t1.organization_id::text]) || t1.name_search) || t1.industry_search) || t1.email_search
                                        ) || t1.phone_search
                                      ) || t1.website_search
                                    ) || t1.city_search
                                  ) || t1.tax_number_search
                                ) || t1.risk_note_search
                              ) || t1.notes_search
                            ) || COALESCE(t1.custom_text_1_search, ''::tsvector)
                          ) || COALESCE(t1.custom_text_2_search, ''::tsvector)
                        ) || COALESCE(t1.custom_text_3_search, ''::tsvector)
                      ) || COALESCE(t1.custom_text_4_search, ''::tsvector)
                    ) || COALESCE(t1.custom_text_5_search, ''::tsvector)
                  ) || COALESCE(t1.custom_text_6_search, ''::tsvector)
                ) || COALESCE(t1.custom_text_7_search, ''::tsvector)
              ) || COALESCE(t1.custom_text_8_search, ''::tsvector)
            ) || COALESCE(t1.custom_text_9_search, ''::tsvector)
          ) || COALESCE(t1.custom_text_10_search, ''::tsvector)
        ) @@ (
          SELECT crm_query($3::text) && ('''' || $1::uuid || '''')::tsquery
        ) AND (
          t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
        ) @@ (SELECT crm_query($3::text))
        ORDER BY (
          ts_rank(
            (
              t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
            ), (SELECT crm_query_any($3::text))
          ) + ts_rank(
            (
              t1.name_search || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.industry_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.email_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.phone_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.website_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 20 THEN t1.city_search END, ''::tsvector) || coalesce(CASE WHEN t1k.cl >= 30 THEN t1.notes_search END, ''::tsvector)
            ), (SELECT crm_query_whole($3::text))
          )
        ) DESC, t1.id DESC
        LIMIT 3
      ) r
    ) q
  ) a
)
