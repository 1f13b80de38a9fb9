CREATE TABLE "clearing_entries" (
	"peer_id" bigint NOT NULL,
	"direction" text NOT NULL,
	"seq" bigint NOT NULL,
	"transfer" text NOT NULL,
	"seconds" bigint NOT NULL,
	"cumulative" bigint NOT NULL,
	"digest" text NOT NULL,
	"prev" text NOT NULL,
	"body" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "clearing_entries_peer_id_direction_seq_pk" PRIMARY KEY("peer_id","direction","seq"),
	CONSTRAINT "clearing_entries_transfer_unique" UNIQUE("transfer"),
	CONSTRAINT "clearing_entries_seconds" CHECK ("clearing_entries"."seconds" > 0)
);
--> statement-breakpoint
CREATE TABLE "clearing_evidence" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"peer_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"detail" text NOT NULL,
	"bodies" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clearing_inbox" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"peer_id" bigint NOT NULL,
	"body" text NOT NULL,
	"received" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clearing_links" (
	"peer_id" bigint PRIMARY KEY NOT NULL,
	"ready" boolean DEFAULT false NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"nonce" text DEFAULT '' NOT NULL,
	"peer_epoch" bigint DEFAULT 0 NOT NULL,
	"peer_nonce" text DEFAULT '' NOT NULL,
	"out_seq" bigint DEFAULT 0 NOT NULL,
	"out_cumulative" bigint DEFAULT 0 NOT NULL,
	"out_digest" text DEFAULT '' NOT NULL,
	"in_seq" bigint DEFAULT 0 NOT NULL,
	"in_cumulative" bigint DEFAULT 0 NOT NULL,
	"in_digest" text DEFAULT '' NOT NULL,
	"acked_seq" bigint DEFAULT 0 NOT NULL,
	"acked_cumulative" bigint DEFAULT 0 NOT NULL,
	"checkpoint" text,
	"prepared" bigint DEFAULT 0 NOT NULL,
	"prepared_count" integer DEFAULT 0 NOT NULL,
	"resync" text,
	"heard" timestamp (3) with time zone,
	"skew" bigint,
	"reached" timestamp (3) with time zone,
	"failure" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"resting" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "clearing_transfers" (
	"iri" text PRIMARY KEY NOT NULL,
	"peer_id" bigint NOT NULL,
	"side" text NOT NULL,
	"state" text NOT NULL,
	"transfer_id" bigint,
	"agreement_id" bigint,
	"terms" text,
	"seconds" bigint DEFAULT 0 NOT NULL,
	"request" text,
	"digest" text,
	"promise" text,
	"promise_digest" text,
	"reason" text,
	"order" text,
	"seq" bigint,
	"due" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"decided" timestamp (3) with time zone,
	CONSTRAINT "clearing_transfers_transfer_id_unique" UNIQUE("transfer_id"),
	CONSTRAINT "clearing_transfers_side" CHECK (("clearing_transfers"."side" = 'payer') = ("clearing_transfers"."state" in ('reserved', 'committed', 'aborted')))
);
--> statement-breakpoint
CREATE TABLE "public_totals" (
	"day" date PRIMARY KEY NOT NULL,
	"body" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "peer_copies" (
	"peer_id" bigint PRIMARY KEY NOT NULL,
	"cursor" text,
	"copied" integer DEFAULT 0 NOT NULL,
	"total" integer,
	"began" timestamp (3) with time zone,
	"completed" timestamp (3) with time zone,
	"compared" timestamp (3) with time zone,
	"failure" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"due" timestamp (3) with time zone,
	"forced" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "peerings" (
	"id" bigint PRIMARY KEY NOT NULL,
	"peer_id" bigint NOT NULL,
	"side" text NOT NULL,
	"revision" integer NOT NULL,
	"may_be_owed" bigint NOT NULL,
	"may_owe" bigint NOT NULL,
	"activity" text NOT NULL,
	"body" text NOT NULL,
	"digest" text NOT NULL,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "peerings_activity_unique" UNIQUE("activity"),
	CONSTRAINT "peerings_revision" UNIQUE("peer_id","side","revision")
);
--> statement-breakpoint
CREATE TABLE "peers" (
	"id" bigint PRIMARY KEY NOT NULL,
	"actor_id" bigint NOT NULL,
	"origin" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"note" text,
	"their_state" text,
	"key" text NOT NULL,
	"clearing" text NOT NULL,
	"they_may_owe" bigint DEFAULT 0 NOT NULL,
	"we_may_owe" bigint DEFAULT 0 NOT NULL,
	"quote_days" smallint NOT NULL,
	"dispute_days" smallint NOT NULL,
	"settle_days" smallint NOT NULL,
	"drain_days" smallint NOT NULL,
	"currency" text NOT NULL,
	"currency_name" text NOT NULL,
	"currency_symbol" text NOT NULL,
	"currency_scale" integer NOT NULL,
	"currency_rate_n" bigint NOT NULL,
	"currency_rate_d" bigint NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"changed" timestamp (3) with time zone NOT NULL,
	"drained" timestamp (3) with time zone,
	CONSTRAINT "peers_actor_id_unique" UNIQUE("actor_id"),
	CONSTRAINT "peers_origin_unique" UNIQUE("origin")
);
--> statement-breakpoint
ALTER TABLE "agreements" ADD COLUMN "peer_id" bigint;--> statement-breakpoint
ALTER TABLE "agreements" ADD COLUMN "quote" text;--> statement-breakpoint
ALTER TABLE "clearing_entries" ADD CONSTRAINT "clearing_entries_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clearing_evidence" ADD CONSTRAINT "clearing_evidence_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clearing_inbox" ADD CONSTRAINT "clearing_inbox_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clearing_links" ADD CONSTRAINT "clearing_links_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clearing_transfers" ADD CONSTRAINT "clearing_transfers_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clearing_transfers" ADD CONSTRAINT "clearing_transfers_transfer_id_transfers_id_fk" FOREIGN KEY ("transfer_id") REFERENCES "public"."transfers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peer_copies" ADD CONSTRAINT "peer_copies_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peerings" ADD CONSTRAINT "peerings_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peerings" ADD CONSTRAINT "peerings_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peers" ADD CONSTRAINT "peers_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "clearing_evidence_peer" ON "clearing_evidence" USING btree ("peer_id","id");--> statement-breakpoint
CREATE INDEX "clearing_inbox_peer" ON "clearing_inbox" USING btree ("peer_id","id");--> statement-breakpoint
CREATE INDEX "clearing_transfers_due" ON "clearing_transfers" USING btree ("peer_id","due") WHERE "clearing_transfers"."due" is not null;--> statement-breakpoint
CREATE INDEX "clearing_transfers_open" ON "clearing_transfers" USING btree ("peer_id") WHERE "clearing_transfers"."state" in ('reserved', 'prepared');--> statement-breakpoint
CREATE INDEX "clearing_transfers_orders" ON "clearing_transfers" USING btree ("peer_id") WHERE "clearing_transfers"."order" is not null;--> statement-breakpoint
CREATE INDEX "clearing_transfers_agreement" ON "clearing_transfers" USING btree ("agreement_id") WHERE "clearing_transfers"."agreement_id" is not null;--> statement-breakpoint
CREATE INDEX "peer_copies_due" ON "peer_copies" USING btree ("due") WHERE "peer_copies"."due" is not null;--> statement-breakpoint
ALTER TABLE "agreements" ADD CONSTRAINT "agreements_peer_id_peers_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."peers"("id") ON DELETE no action ON UPDATE no action;