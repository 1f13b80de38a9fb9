CREATE TABLE "retired_keys" (
	"actor_id" bigint NOT NULL,
	"fragment" text NOT NULL,
	"public_key" text NOT NULL,
	"retired" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "retired_keys_actor_id_public_key_pk" PRIMARY KEY("actor_id","public_key")
);
--> statement-breakpoint
CREATE TABLE "peer_keys" (
	"peer_id" bigint NOT NULL,
	"key" text NOT NULL,
	"accepted" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "peer_keys_peer_id_key_pk" PRIMARY KEY("peer_id","key")
);
--> statement-breakpoint
ALTER TABLE "actor_keys" ADD COLUMN "fragment" text;--> statement-breakpoint
ALTER TABLE "clearing_transfers" ADD COLUMN "stuck" text;--> statement-breakpoint
ALTER TABLE "clearing_transfers" ADD COLUMN "retry" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "retired_keys" ADD CONSTRAINT "retired_keys_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peer_keys" ADD CONSTRAINT "peer_keys_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
INSERT INTO "peer_keys" ("peer_id", "key", "accepted") SELECT "id", "key", "created" FROM "peers";
--> statement-breakpoint
-- Nobody can forget it: what was accepted once is kept.
CREATE FUNCTION "peers_keep_key"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO peer_keys (peer_id, key, accepted) VALUES (NEW.id, NEW.key, NEW.changed) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER "peers_keep_key" AFTER INSERT OR UPDATE OF "key" ON "peers" FOR EACH ROW EXECUTE FUNCTION "peers_keep_key"();
--> statement-breakpoint
CREATE TRIGGER "peer_keys_kept" BEFORE UPDATE OR DELETE ON "peer_keys" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "peer_keys_truncate" BEFORE TRUNCATE ON "peer_keys" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "retired_keys_kept" BEFORE UPDATE OR DELETE ON "retired_keys" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "retired_keys_truncate" BEFORE TRUNCATE ON "retired_keys" EXECUTE FUNCTION "ledger_refuse"();
