CREATE TABLE "peer_copy_items" (
	"peer_id" bigint NOT NULL,
	"item_id" bigint NOT NULL,
	CONSTRAINT "peer_copy_items_peer_id_item_id_pk" PRIMARY KEY("peer_id","item_id")
);
--> statement-breakpoint
ALTER TABLE "actors" ADD COLUMN "peer_id" bigint;--> statement-breakpoint
ALTER TABLE "peer_copies" ADD COLUMN "skipped" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "peer_id" bigint;--> statement-breakpoint
-- The same as before, and whose hub a proposal is of: `h=here`, or `h=` and the peer's id.
CREATE FUNCTION proposal_search(
  name text, content text, location text, tags text[], languages text[], purpose text, category text, subcategory text,
  settlement text, country text, online boolean, hub text
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
        CASE WHEN online THEN 'o=1' ELSE 'o=0' END, 'h=' || hub
      ]
      || string_to_array('t=' || nullif(public.fold(array_to_string(tags, ' t=')), ''), ' ')
      || string_to_array('l=' || nullif(array_to_string(languages, ' l='), ''), ' '),
      NULL
    )
  );
END $$;--> statement-breakpoint
ALTER TABLE "proposals" ALTER COLUMN "search" SET EXPRESSION AS (proposal_search(name, content, location, tags, languages || language, purpose, category, subcategory, settlement, country, online, case when local then 'here' else peer_id::text end));--> statement-breakpoint
DROP FUNCTION proposal_search(text, text, text, text[], text[], text, text, text, text, text, boolean);--> statement-breakpoint
ALTER TABLE "peer_copy_items" ADD CONSTRAINT "peer_copy_items_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "actors_organizations" ON "actors" USING btree ("id") WHERE "actors"."kind" = 'Organization' and "actors"."deleted" is null and ("actors"."host" is null or "actors"."peer_id" is not null);--> statement-breakpoint
CREATE INDEX "actors_peer" ON "actors" USING btree ("peer_id","id") WHERE "actors"."peer_id" is not null and "actors"."deleted" is null;--> statement-breakpoint
CREATE INDEX "proposals_local" ON "proposals" USING btree ("id") WHERE "proposals"."local" and "proposals"."deleted" is null;--> statement-breakpoint
CREATE INDEX "proposals_peer" ON "proposals" USING btree ("peer_id","id") WHERE "proposals"."peer_id" is not null and "proposals"."deleted" is null;