-- Lower case without accents, marks and the letters' variants of Arabic: what people leave out when they search. `foldText` in
-- domain/proposals/search.ts does the same.
CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN translate(
    regexp_replace(lower(normalize(value, NFKD) COLLATE pg_c_utf8), '[\u0300-\u036f\u0640\u064b-\u065f\u0670]', '', 'g'),
    'ىةی', 'يهي'
  );--> statement-breakpoint
-- Words of the texts, without the endings of plurals in the languages of the region (`wordsOf`, in the same file); and facets as
-- lexemes that no text can hold, since the parser yields none with a "=". A lexeme has room for 2,046 bytes.
CREATE FUNCTION proposal_search(
  name text, content text, location text, tags text[], languages text[], purpose text, category text, subcategory text,
  settlement text, country text, online boolean
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN strip(to_tsvector('simple', regexp_replace(
    translate(
      public.fold(concat_ws(' ', name, location, array_to_string(tags, ' '), regexp_replace(left(content, 20000), '<[^>]*>', ' ', 'g'))),
      '-_./:@#&''’', '          '
    ),
    '\m([a-z]{3,}?)(es|s|e)\M', '\1', 'g'
  ))) || array_to_tsvector(
    array_remove(
      ARRAY[
        'p=' || purpose, 'c=' || category, 's=' || subcategory, 'r=' || settlement, 'k=' || public.fold(country),
        'w=' || left(public.fold(location), 200),
        CASE WHEN online THEN 'o=1' ELSE 'o=0' END
      ]
      || string_to_array('t=' || nullif(public.fold(array_to_string(tags, ' t=')), ''), ' ')
      || string_to_array('l=' || nullif(array_to_string(languages, ' l='), ''), ' '),
      NULL
    )
  );
END $$;--> statement-breakpoint
CREATE TABLE "proposal_words" (
	"word" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
DROP INDEX "proposals_purpose";--> statement-breakpoint
DROP INDEX "proposals_category";--> statement-breakpoint
DROP INDEX "proposals_open";--> statement-breakpoint
DROP INDEX "proposals_ends";--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "folded_location" text GENERATED ALWAYS AS (fold(location)) STORED;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "search" tsvector GENERATED ALWAYS AS (proposal_search(name, content, location, tags, languages || language, purpose, category, subcategory, settlement, country, online)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "proposal_words_similar" ON "proposal_words" USING gin ("word" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "proposals_search" ON "proposals" USING gin ("search") WITH (fastupdate=off);--> statement-breakpoint
CREATE INDEX "proposals_open" ON "proposals" USING btree ("id") WHERE "proposals"."deleted" is null and "proposals"."paused" is null;--> statement-breakpoint
CREATE INDEX "proposals_ends" ON "proposals" USING btree ("ends") WHERE "proposals"."deleted" is null and "proposals"."local" and "proposals"."ends" is not null and "proposals"."noticed" is distinct from 0;