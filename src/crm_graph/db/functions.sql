-- The functions that tables, plans and history rely on. PostgreSQL ≥ 16, no extension; running it again is harmless.
-- Bodies are parsed when the function is made (RETURN …), so a search_path cannot redirect them.

-- Sort and search key: the same on every server and machine, whatever its locale and Unicode version.
-- NFKD, no combining marks, ASCII lower case, the letters that NFKD leaves (scripts/fold_letters.py), single spaces.
-- Most text is ASCII and takes the short way; so does the rest once NFKD has made it so (é, ü, å).
CREATE OR REPLACE FUNCTION crm_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT btrim(regexp_replace(
            CASE
                WHEN octet_length(plain) = char_length(plain) THEN lower(plain COLLATE "C")
                ELSE replace(replace(replace(replace(translate(lower(plain COLLATE "C"),
                    'ÆÐØÞðøĐđĦħıĸŁłŊŋŒŦŧƁƂƄƆƇƉƊƋƎƏƐƑƒƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿẞỺỼỾ',
                    'ædoþdoddhhikllnnœttɓƃƅɔƈɖɗƌǝəɛffɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωσϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿßỻỽỿ'),
                    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
            END COLLATE "C", '[\u0001-\u0020\u007f\u0085\u1680\u2028\u2029]+', ' ', 'g'))
        FROM (
            SELECT CASE
                WHEN octet_length(value) = char_length(value) THEN value
                ELSE regexp_replace(normalize(value, NFKD) COLLATE "C",
                    '[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]', '', 'g')
            END AS plain
        ) AS decomposed
    );

-- Matching keys: equal for what people mean to be equal; NULL when nothing is left to match.
CREATE OR REPLACE FUNCTION crm_match_name(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN nullif(regexp_replace(crm_fold(value) COLLATE "C",
        '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u02b0-\u02ff\u2000-\u2bff\u3000-\u3004\u3008-\u3020\ufe00-\ufe6f]+',
        '', 'g'), '');

CREATE OR REPLACE FUNCTION crm_match_email(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN nullif(lower(regexp_replace(normalize(value, NFKC) COLLATE "C",
        '[\u0001-\u0020\u007f\u0085\u00ad\u1680\u200b-\u200f\u2028\u2029\u2060\ufeff]+', '', 'g') COLLATE "C"), '');

-- Digits and a leading +; an international 00 counts as +, the trunk zero of `+49 (0)30 …` is left out.
CREATE OR REPLACE FUNCTION crm_match_phone(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT nullif(nullif(CASE
            WHEN plain ~ '^[^0-9+]*(\+|00)'
            THEN '+' || regexp_replace(regexp_replace(replace(plain, '(0)', ''), '^[^0-9]*(00)?', ''), '[^0-9]', '', 'g')
            ELSE regexp_replace(plain, '[^0-9]', '', 'g')
        END, '+'), '')
        FROM (SELECT translate(normalize(value, NFKC) COLLATE "C", '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789') AS plain) AS digits
    );

CREATE OR REPLACE FUNCTION crm_match_tax(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN nullif(upper(regexp_replace(normalize(value, NFKC) COLLATE "C", '[^0-9A-Za-z]', '', 'g') COLLATE "C"), '');

-- Full text. A word is what stands between blanks and signs in folded text, at most 250 characters of it; no
-- dictionary, no parser of the server: the same words on every machine, and nothing in them that an operator is made of.
-- 'Müller & Söhne, anna@müller.example' → 'muller sohne anna muller example'
CREATE OR REPLACE FUNCTION crm_words(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT nullif(btrim(CASE
            WHEN char_length(plain) > 250 THEN regexp_replace(plain COLLATE "C", '([^ ]{250})', '\1 ', 'g')
            ELSE plain
        END), '')
        FROM (
            SELECT left(regexp_replace(crm_fold(value) COLLATE "C",
                '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u02b0-\u02ff\u180e\u2000-\u2bff\u3000-\u3004\u3008-\u3020\ufe00-\ufe6f]+',
                ' ', 'g'), 10000) AS plain
        ) AS folded
    );

-- The vector of one field: each word once, with the field's weight (A to D).
CREATE OR REPLACE FUNCTION crm_vector(value text, weight text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(regexp_replace(crm_words(value) COLLATE "C", '[^ ]+', '''\&'':1' || weight, 'g'), '')::tsvector;

-- The vector of what a slot for custom fields holds; of an empty slot it is not called. In plpgsql, as PostgreSQL would
-- try to put an SQL function, and crm_fold in it, into every statement that writes a table with ten of these.
CREATE OR REPLACE FUNCTION crm_slot_vector(value text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN crm_vector(value, 'D');
END
$$;

-- What a caller looks for: every word, the last one by its beginning. NULL when there is no word.
CREATE OR REPLACE FUNCTION crm_query(value text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('''' || replace(crm_words(value), ' ', ''' & ''') || ''':*')::tsquery;

-- The same for rank and highlights: any of the words. And any of them as a whole word, which counts more.
CREATE OR REPLACE FUNCTION crm_query_any(value text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('''' || replace(crm_words(value), ' ', ''' | ''') || ''':*')::tsquery;

CREATE OR REPLACE FUNCTION crm_query_whole(value text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ('''' || replace(crm_words(value), ' ', ''' | ''') || '''')::tsquery;

CREATE OR REPLACE FUNCTION crm_escape(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');

-- A text with the words marked that were looked for, as safe HTML: <mark>…</mark>, all else escaped; of a long text the
-- part around the first mark. NULL when nothing is marked. `words` and `wanted`: crm_words and crm_query_any of the question.
-- Fewer signs part words here than in crm_words: those that folding drops or makes letters of (², soft hyphen) stay in.
CREATE OR REPLACE FUNCTION crm_highlight(value text, words text, wanted tsquery) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        WITH pieces AS (
            SELECT n, part[1] AS signs, part[2] AS word,
                CASE
                    WHEN part[2] = '' THEN FALSE
                    WHEN octet_length(part[2]) = char_length(part[2])
                    THEN lower(part[2] COLLATE "C") = ANY(string_to_array(words, ' '))
                        OR starts_with(lower(part[2] COLLATE "C"), regexp_replace(words COLLATE "C", '^.* ', ''))
                    ELSE crm_vector(part[2], 'A') @@ wanted
                END AS hit
            FROM regexp_matches(value COLLATE "C",
                '([\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab\u00ac\u00ae-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u200a\u2010-\u205f\u3000-\u3004\u3008-\u3020]*)([^\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab\u00ac\u00ae-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u2000-\u200a\u2010-\u205f\u3000-\u3004\u3008-\u3020]*)',
                'g') WITH ORDINALITY AS found(part, n)
        ), placed AS (
            SELECT n, signs, word, hit, sum(char_length(signs) + char_length(word)) OVER (ORDER BY n) AS ends FROM pieces
        ), around AS (
            SELECT min(ends) FILTER (WHERE hit) AS first, max(ends) AS total FROM placed
        )
        SELECT CASE WHEN min(n) > 1 THEN '…' ELSE '' END
            || string_agg(crm_escape(CASE WHEN n = 1 OR n > lowest THEN signs ELSE '' END)
                || CASE WHEN hit THEN '<mark>' || crm_escape(word) || '</mark>' ELSE crm_escape(word) END, '' ORDER BY n)
            || CASE WHEN max(ends) < max(total) THEN '…' ELSE '' END
        FROM (
            SELECT placed.*, around.total, min(n) OVER () AS lowest
            FROM placed, around
            WHERE ends BETWEEN first - 80 AND first + 160
        ) AS shown
    );

-- Masks show a hint of a value to those who may know only that it is there. Total: no input makes them fail. Not STRICT,
-- and single expressions: so PostgreSQL puts them into a statement as they stand; called as functions they cost ten times as much.
-- any text → '•••': that there is one, and nothing of it
CREATE OR REPLACE FUNCTION crm_mask_exists(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value IS NOT NULL THEN '•••' END;

-- 'john@example.com' → 'j•••@example.com'
CREATE OR REPLACE FUNCTION crm_mask_email(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN strpos(value, '@') > 1 THEN left(value, 1) || '•••' || substr(value, strpos(value, '@'))
        WHEN value IS NOT NULL THEN '•••'
    END;

-- '+49 30 12342' → '•••42'; numbers of fewer than five digits show none. Most are stored as + and digits: the short way.
CREATE OR REPLACE FUNCTION crm_mask_phone(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN char_length(value) > 5 AND translate(value, '0123456789', '') = '+' AND left(value, 1) = '+' THEN '•••' || right(value, 2)
        WHEN char_length(translate(value, translate(value, '0123456789', ''), '')) >= 5
        THEN '•••' || right(translate(value, translate(value, '0123456789', ''), ''), 2)
        WHEN value IS NOT NULL THEN '•••'
    END;

-- 'John Doe' → 'J. D.'
CREATE OR REPLACE FUNCTION crm_mask_initials(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN rtrim(regexp_replace(value COLLATE "C",
        '[\u0001-\u0020\u0085\u00a0\u3000]*([^\u0001-\u0020\u0085\u00a0\u3000])[^\u0001-\u0020\u0085\u00a0\u3000]*[\u0001-\u0020\u0085\u00a0\u3000]*',
        '\1. ', 'g'));

-- 7321.50 → 5000: the end nearer to zero of the range the amount lies in, with its sign
CREATE OR REPLACE FUNCTION crm_mask_bucket(value numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value < 0 THEN -1 ELSE 1 END
        * ('{0,1000,5000,10000,50000,100000,500000,1000000}'::numeric[])[
            1 + width_bucket(abs(value), '{1000,5000,10000,50000,100000,500000,1000000}'::numeric[])];

-- The least end of a range that is as much as an amount of 0 or more, or (`beyond`) more than it; infinite where none is.
-- It tells of a value what its mask is, compared with a bound, without the mask: plan/reads/set_conditions.py
CREATE OR REPLACE FUNCTION crm_bucket_end(amount numeric, beyond boolean) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT min(reached) FROM unnest('{0,1000,5000,10000,50000,100000,500000,1000000,Infinity}'::numeric[]) reached
        WHERE reached > amount OR (reached = amount AND NOT beyond));

-- 1987-06-05 → 1987-01-01, by subtraction: make_date would fail for some years
CREATE OR REPLACE FUNCTION crm_mask_year(value date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN NOT isfinite(value) OR value < '4713-01-01 BC'::date THEN value
        ELSE value - (extract(doy FROM value)::integer - 1)
    END;

-- History: <table>_history has the table's columns and
--   history_from, history_to  the half-open interval in which the version held; history_to 'infinity' is the current one
--   history_actor_id, history_channel  who wrote it and through what (crm.actor_id and crm.channel of the transaction)
--   history_deleted  true marks a deletion: an empty interval (history_from = history_to) with the last values, so a
--                         reader as of a moment (history_from <= t AND t < history_to) never meets it
-- A version that a later statement of the same transaction replaces is not kept. Should a transaction that began earlier
-- write after one that began later, its version starts a microsecond after the other's: intervals never overlap.
CREATE OR REPLACE FUNCTION crm_history() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    history text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history');
    names text;
    values_ text;
    replaced text;
    rows_ text := CASE TG_OP WHEN 'DELETE' THEN 'old_rows' ELSE 'new_rows' END;
    closed text := '';
    moment text := 'now()';
    actor uuid := nullif(current_setting('crm.actor_id', true), '')::uuid;
    channel text := nullif(current_setting('crm.channel', true), '');
BEGIN
    SELECT string_agg(quote_ident(b.attname), ', '),
           string_agg('r.' || quote_ident(b.attname), ', '),
           string_agg(format('%1$I = excluded.%1$I', b.attname), ', ')
      INTO names, values_, replaced
      FROM pg_attribute b
     WHERE b.attrelid = TG_RELID AND b.attnum > 0 AND NOT b.attisdropped
       -- A virtual generated column (PostgreSQL ≥ 18) has no stored value to hand on.
       AND b.attgenerated <> 'v'
       AND EXISTS (
           SELECT FROM pg_attribute h
            WHERE h.attrelid = history::regclass AND h.attname = b.attname AND NOT h.attisdropped
       );
    IF TG_OP <> 'INSERT' THEN
        closed := format(
            'WITH closed AS (
                 UPDATE %s h SET history_to = greatest(now(), h.history_from + interval ''1 microsecond'')
                   FROM old_rows o
                  WHERE h.organization_id = o.organization_id AND h.id = o.id
                    AND h.history_to = ''infinity'' AND h.history_from <> now()
              RETURNING h.organization_id, h.id, h.history_to
             ) ', history);
        moment := 'coalesce(c.history_to, now())';
    END IF;
    EXECUTE format(
        '%1$s INSERT INTO %2$s (%3$s, history_from, history_to, history_actor_id, history_channel, history_deleted)
         SELECT %4$s, %5$s, %6$s, $1, $2, %7$L FROM %8$s r %9$s
         ON CONFLICT (organization_id, id, history_from) DO UPDATE SET %10$s,
             history_to = excluded.history_to, history_actor_id = excluded.history_actor_id, history_channel = excluded.history_channel,
             history_deleted = excluded.history_deleted',
        closed, history, names, values_, moment,
        CASE TG_OP WHEN 'DELETE' THEN moment ELSE '''infinity''' END,
        TG_OP = 'DELETE', rows_,
        -- what was closed is among these rows; full, as the planner takes it for one row and would go through all for each
        CASE TG_OP WHEN 'INSERT' THEN '' ELSE 'FULL JOIN closed c ON c.organization_id = r.organization_id AND c.id = r.id' END,
        replaced)
    USING actor, channel;
    RETURN NULL;
END
$$;

-- Let a table keep its history: called by migrations for each table that has a <table>_history.
CREATE OR REPLACE FUNCTION crm_keep_history(tracked regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_history_insert AFTER INSERT ON %s
        REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_history()', tracked);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_history_update AFTER UPDATE ON %s
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_history()', tracked);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_history_delete AFTER DELETE ON %s
        REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION crm_history()', tracked);
END
$$;

-- A share has the order key of what it shares beside it, so that a page by date begins in an index on the shares.
-- It is found as the share is made; should a date be mended by hand after all, its shares follow.
CREATE OR REPLACE FUNCTION crm_shares_dated() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I.%I SET row_created_at = $1 WHERE organization_id = $2 AND %I = $3', TG_TABLE_SCHEMA, TG_ARGV[0], TG_ARGV[1])
      USING NEW.created_at, NEW.organization_id, NEW.id;
    RETURN NULL;
END
$$;

-- Let a table of shares keep the date of what it shares: called by migrations. Each has a function of its own, as a
-- statement made from names would be planned anew for each of many shares.
CREATE OR REPLACE FUNCTION crm_keep_dated(shares regclass, shared regclass, key text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    dated name := 'crm_dated_' || (SELECT relname FROM pg_class WHERE oid = shared);
    dates name := (SELECT relname FROM pg_class WHERE oid = shares);
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $dated$
        BEGIN
            SELECT r.created_at INTO NEW.row_created_at FROM %2$s r WHERE r.organization_id = NEW.organization_id AND r.id = NEW.%3$I;
            RETURN NEW;
        END
        $dated$', dated, shared, key);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_share_dated BEFORE INSERT ON %s
        FOR EACH ROW EXECUTE FUNCTION %I()', shares, dated);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_shares_dated AFTER UPDATE OF created_at ON %s
        FOR EACH ROW WHEN (OLD.created_at IS DISTINCT FROM NEW.created_at) EXECUTE FUNCTION crm_shares_dated(%L, %L)', shared, dates, key);
END
$$;

-- An amount at its currency's number of decimals (ISO 4217; kinds.py has the same), halves away from zero.
CREATE OR REPLACE FUNCTION crm_round(amount numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN round(amount, CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        ELSE 2
    END);

-- The tax on an amount, or in one that includes it: as given, else by a rate in percent, rounded as the currency is kept.
CREATE OR REPLACE FUNCTION crm_tax(amount numeric, rate numeric, included boolean, given numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN amount IS NULL THEN NULL
        WHEN given IS NOT NULL THEN given
        WHEN rate IS NULL THEN 0
        WHEN included THEN amount - crm_round(amount * 100 / (100 + rate), currency)
        ELSE crm_round(amount * rate / 100, currency)
    END;

-- Sums of lines, kept in the row that the lines are of (sums.py). Arguments: the table of the wholes, the lines' column
-- that names theirs, and for each sum its column and the SQL of what a line `l` adds.
-- The wholes are locked first, in the order of their ids; then a statement of its own, with a snapshot of its own, adds
-- up all lines: of two writers at once the second sees the first one's. A whole without any amount in its lines keeps
-- what it was given. Of lines in another currency there is no sum, and none is written.
CREATE OR REPLACE FUNCTION crm_sums() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    wholes text := format('%I.%I', TG_TABLE_SCHEMA, TG_ARGV[0]);
    lines text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
    had text := '';
    had_none text := '';
    once text := '';
    sums text := '';
    written text := '';
    differs text := '';
    touched text;
    found boolean;
BEGIN
    FOR n IN 2 .. TG_NARGS - 1 BY 2 LOOP
        had := had || format(', (%s) IS NOT NULL AS had_%s', TG_ARGV[n + 1], n);
        had_none := had_none || format(', FALSE AS had_%s', n);
        once := once || format(', bool_or(had_%1$s) AS had_%1$s', n);
        sums := sums || format(', CASE WHEN bool_and(l.currency = w.currency) THEN sum(%s) END AS sum_%s', TG_ARGV[n + 1], n);
        written := written || format('%1$I = CASE WHEN s.sum_%2$s IS NOT NULL OR s.had_%2$s THEN s.sum_%2$s ELSE w.%1$I END, ', TG_ARGV[n], n);
        differs := differs || format(' OR (s.sum_%2$s IS DISTINCT FROM w.%1$I AND (s.sum_%2$s IS NOT NULL OR s.had_%2$s))', TG_ARGV[n], n);
    END LOOP;
    touched := concat_ws(' UNION ALL ',
        CASE WHEN TG_OP <> 'INSERT' THEN format('SELECT l.organization_id, l.%I AS whole%s FROM old_rows l', TG_ARGV[1], had) END,
        CASE WHEN TG_OP <> 'DELETE' THEN format('SELECT l.organization_id, l.%I AS whole%s FROM new_rows l', TG_ARGV[1], had_none) END);
    EXECUTE format(
        'SELECT count(*) > 0 FROM (
             SELECT FROM %s w WHERE (w.organization_id, w.id) IN (SELECT t.organization_id, t.whole FROM (%s) t)
              ORDER BY w.organization_id, w.id FOR NO KEY UPDATE
         ) locked', wholes, touched)
       INTO found;
    IF NOT found THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        EXECUTE format(  -- counted: for the first of many the planner would look each whole up by itself, however it can
            'SELECT count(*) > 0 FROM new_rows l JOIN %s w ON w.organization_id = l.organization_id AND w.id = l.%I
              WHERE w.currency <> l.currency', wholes, TG_ARGV[1])
           INTO found;
        IF found THEN
            RAISE check_violation USING MESSAGE = 'lines are in the currency of what they are lines of',
                TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_one_currency';
        END IF;
    END IF;
    EXECUTE format(
        'UPDATE %1$s w SET %2$s version = w.version + 1, updated_at = now()
           FROM (
               SELECT t.*, summed.*
                 FROM (SELECT organization_id, whole %3$s FROM (%4$s) t GROUP BY organization_id, whole) t
                 JOIN %1$s w ON w.organization_id = t.organization_id AND w.id = t.whole
                CROSS JOIN LATERAL (
                    SELECT NULL %5$s FROM %6$s l WHERE l.organization_id = t.organization_id AND l.%7$I = t.whole
                ) summed
           ) s
          WHERE w.organization_id = s.organization_id AND w.id = s.whole AND (FALSE %8$s)',
        wholes, written, once, touched, sums, lines, TG_ARGV[1], differs);
    RETURN NULL;
END
$$;

-- What is written to a whole goes by its lines, too: a sum stays the sum, and the currency the lines'. Arguments: as for
-- crm_sums, with the table of the lines first. Not for what crm_sums itself writes (the depth in crm_keep_sums).
CREATE OR REPLACE FUNCTION crm_sum_stays() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    lines text := format('FROM %I.%I l WHERE l.organization_id = $1 AND l.%I = $2', TG_TABLE_SCHEMA, TG_ARGV[0], TG_ARGV[1]);
    other boolean;
    total numeric;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT %s AND l.currency <> $3)', lines) INTO other USING NEW.organization_id, NEW.id, NEW.currency;
    IF other AND NEW.currency IS DISTINCT FROM OLD.currency THEN
        RAISE check_violation USING MESSAGE = 'lines are in the currency of what they are lines of',
            TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_one_currency';
    END IF;
    IF NOT other THEN
        FOR n IN 2 .. TG_NARGS - 1 BY 2 LOOP
            EXECUTE format('SELECT sum(%s) %s', TG_ARGV[n + 1], lines) INTO total USING NEW.organization_id, NEW.id;
            IF total IS NOT NULL THEN
                NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[n], total));
            END IF;
        END LOOP;
    END IF;
    RETURN NEW;
END
$$;

-- Let the database keep sums: called by migrations, as sums.py says, also to replace what an earlier one has said. The
-- sums of lines that are there already are filled in.
CREATE OR REPLACE FUNCTION crm_keep_sums(lines regclass, wholes regclass, reference name, VARIADIC sums text[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    arguments text := (SELECT string_agg(quote_literal(a), ', ' ORDER BY n) FROM unnest(sums) WITH ORDINALITY AS s(a, n));
    whole name := (SELECT relname FROM pg_class WHERE oid = wholes);
    line name := (SELECT relname FROM pg_class WHERE oid = lines);
    changed text := 'OLD.currency IS DISTINCT FROM NEW.currency';
    set_to text;
    filled text;
BEGIN
    FOR n IN 1 .. array_length(sums, 1) BY 2 LOOP
        changed := changed || format(' OR OLD.%1$I IS DISTINCT FROM NEW.%1$I', sums[n]);
        set_to := concat_ws(', ', set_to, format('%I = coalesce(s.sum_%s, w.%1$I)', sums[n], n));
        filled := concat_ws(', ', filled, format('CASE WHEN bool_and(l.currency = w.currency) THEN sum(%s) END AS sum_%s', sums[n + 1], n));
    END LOOP;
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_sums_%1$s_insert AFTER INSERT ON %2$s REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION crm_sums(%1$L, %3$L, %4$s)', whole, lines, reference, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_sums_%1$s_update AFTER UPDATE ON %2$s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION crm_sums(%1$L, %3$L, %4$s)', whole, lines, reference, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_sums_%1$s_delete AFTER DELETE ON %2$s REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION crm_sums(%1$L, %3$L, %4$s)', whole, lines, reference, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER crm_sum_stays_%1$s BEFORE UPDATE ON %2$s FOR EACH ROW
        WHEN (pg_trigger_depth() = 0 AND (%3$s)) EXECUTE FUNCTION crm_sum_stays(%1$L, %4$L, %5$s)', line, wholes, changed, reference, arguments);
    EXECUTE format('UPDATE %1$s w SET %2$s, version = w.version + 1, updated_at = now()
           FROM (SELECT w.organization_id, w.id, %3$s FROM %1$s w JOIN %4$s l ON l.organization_id = w.organization_id AND l.%5$I = w.id
                  GROUP BY w.organization_id, w.id) s
          WHERE w.organization_id = s.organization_id AND w.id = s.id AND (%6$s)',
        wholes, set_to, filled, lines, reference,
        (SELECT string_agg(format('s.sum_%s <> coalesce(w.%I, s.sum_%1$s + 1)', n, sums[n]), ' OR ') FROM generate_series(1, array_length(sums, 1), 2) n));
END
$$;

-- Ends a reading statement with a refusal that the application turns into a typed error: SQLSTATE CRM01, the code as text.
CREATE OR REPLACE FUNCTION crm_refuse(code text) RETURNS uuid
    LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'CRM01', MESSAGE = code;
END
$$;

-- The organisation that is bound: to the transaction by writes, to the connection by isolated reads; NULL when none is.
CREATE OR REPLACE FUNCTION crm_organization() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('crm.organization_id', true), '')::uuid;

-- Keep a table's organisations apart. The application's roles (db/roles.py) are granted rows, never the table:
--   crm_graph_runtime, crm_graph_bound_reader  the rows of the bound organisation; none when none is bound;
--                                              what was done stays as it was written: audit entries are only added
--   crm_graph_reader                           all rows, to read: TRUE folds away, so that every index still serves
--   the owner                                  when it has bound an organisation that one's, else (migrations) all;
--                                              on the embedded server it has BYPASSRLS, so that it can be dumped
CREATE OR REPLACE FUNCTION crm_isolate(isolated regclass) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    owner text := (SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = isolated);
    only_added boolean := (SELECT relname IN ('audit_entries') FROM pg_class WHERE oid = isolated);
    name text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', isolated);
    FOREACH name IN ARRAY ARRAY['crm_organization', 'crm_reader', 'crm_owner'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS %s ON %s', name, isolated);
    END LOOP;
    EXECUTE format('CREATE POLICY crm_organization ON %s TO crm_graph_runtime, crm_graph_bound_reader
        USING (organization_id = crm_organization()) WITH CHECK (organization_id = crm_organization())', isolated);
    EXECUTE format('CREATE POLICY crm_reader ON %s FOR SELECT TO crm_graph_reader USING (TRUE)', isolated);
    EXECUTE format('CREATE POLICY crm_owner ON %s TO %s
        USING (crm_organization() IS NULL OR organization_id = crm_organization())', isolated, owner);
    EXECUTE format('REVOKE ALL ON %s FROM crm_graph_runtime', isolated);
    EXECUTE format('GRANT SELECT, INSERT%s ON %s TO crm_graph_runtime',
        CASE WHEN only_added THEN '' ELSE ', UPDATE, DELETE' END, isolated);
    EXECUTE format('GRANT SELECT ON %s TO crm_graph_reader, crm_graph_bound_reader', isolated);
END
$$;

-- Isolate every table with organization_id that is not yet, or whose owner has changed: the end of each migration
-- (migrations/env.py).
CREATE OR REPLACE FUNCTION crm_isolate_all() RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
           AND a.attname = 'organization_id' AND NOT a.attisdropped
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                    AND 3 = (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid
                                AND p.polname IN ('crm_organization', 'crm_reader', 'crm_owner')
                                AND (p.polname <> 'crm_owner' OR p.polroles = ARRAY[c.relowner])))
         ORDER BY c.relname
    LOOP
        PERFORM crm_isolate(found);
    END LOOP;
END
$$;
