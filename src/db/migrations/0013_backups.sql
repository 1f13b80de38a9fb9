CREATE TABLE "backups" (
	"id" serial PRIMARY KEY NOT NULL,
	"moment" timestamp (3) with time zone NOT NULL,
	"bytes" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "restored_links" (
	"restore_id" integer NOT NULL,
	"peer_id" bigint NOT NULL,
	"out_seq" bigint NOT NULL,
	"in_seq" bigint NOT NULL,
	"told" timestamp (3) with time zone,
	CONSTRAINT "restored_links_restore_id_peer_id_pk" PRIMARY KEY("restore_id","peer_id")
);
--> statement-breakpoint
CREATE TABLE "restores" (
	"id" serial PRIMARY KEY NOT NULL,
	"moment" timestamp (3) with time zone NOT NULL,
	"restored" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "restored_links" ADD CONSTRAINT "restored_links_restore_id_restores_id_fk" FOREIGN KEY ("restore_id") REFERENCES "public"."restores"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "restored_links" ADD CONSTRAINT "restored_links_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "restored_links_peer" ON "restored_links" USING btree ("peer_id");