CREATE SEQUENCE "public"."snowflake" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "accounts" (
	"id" bigint PRIMARY KEY NOT NULL,
	"actor_id" bigint NOT NULL,
	"email" text NOT NULL,
	"password_hash" text NOT NULL,
	"role" text DEFAULT 'member' NOT NULL,
	"locale" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "accounts_actor_id_unique" UNIQUE("actor_id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"token_hash" "bytea" PRIMARY KEY NOT NULL,
	"account_id" bigint NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"seen" timestamp (3) with time zone NOT NULL,
	"expires" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "throttles" (
	"subject" text PRIMARY KEY NOT NULL,
	"started" timestamp (3) with time zone NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"token_hash" "bytea" PRIMARY KEY NOT NULL,
	"account_id" bigint NOT NULL,
	"actor_id" bigint NOT NULL,
	"scopes" text[] NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"revoked" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "activities" (
	"id" bigint PRIMARY KEY NOT NULL,
	"actor_id" bigint NOT NULL,
	"type" text NOT NULL,
	"object" text NOT NULL,
	"audience" text NOT NULL,
	"body" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "deletions" (
	"iri" text PRIMARY KEY NOT NULL,
	"deleted" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "received_activities" (
	"iri" text PRIMARY KEY NOT NULL,
	"received" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "actor_keys" (
	"actor_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"public_key" text NOT NULL,
	"private_key" "bytea" NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "actor_keys_actor_id_kind_pk" PRIMARY KEY("actor_id","kind")
);
--> statement-breakpoint
CREATE TABLE "actors" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"kind" text NOT NULL,
	"handle" text NOT NULL,
	"host" text,
	"name" text NOT NULL,
	"summary" text DEFAULT '' NOT NULL,
	"url" text,
	"avatar" text,
	"inbox" text NOT NULL,
	"shared_inbox" text,
	"outbox" text,
	"followers" text,
	"following" text,
	"locked" boolean DEFAULT false NOT NULL,
	"discoverable" boolean DEFAULT true NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"updated" timestamp (3) with time zone NOT NULL,
	"fetched" timestamp (3) with time zone,
	"deleted" timestamp (3) with time zone,
	CONSTRAINT "actors_iri_unique" UNIQUE("iri")
);
--> statement-breakpoint
CREATE TABLE "public_keys" (
	"iri" text PRIMARY KEY NOT NULL,
	"owner" text NOT NULL,
	"kind" text NOT NULL,
	"public_key" text NOT NULL,
	"fetched" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "follows" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"follower_id" bigint NOT NULL,
	"followed_id" bigint NOT NULL,
	"state" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"accepted" timestamp (3) with time zone,
	CONSTRAINT "follows_iri_unique" UNIQUE("iri")
);
--> statement-breakpoint
CREATE TABLE "hosts" (
	"host" text PRIMARY KEY NOT NULL,
	"scheme" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"retry" timestamp (3) with time zone,
	"succeeded" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "hubs" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"origin" text NOT NULL,
	"actor_id" bigint NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"locale" text NOT NULL,
	"currency_name" text NOT NULL,
	"currency_symbol" text NOT NULL,
	"currency_scale" integer DEFAULT 2 NOT NULL,
	"currency_rate_n" bigint DEFAULT 1 NOT NULL,
	"currency_rate_d" bigint DEFAULT 1 NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "hubs_single" CHECK ("hubs"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "dead_jobs" (
	"id" bigint PRIMARY KEY NOT NULL,
	"queue" text NOT NULL,
	"key" text,
	"payload" text NOT NULL,
	"attempts" integer NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"died" timestamp (3) with time zone NOT NULL,
	"error" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"queue" text NOT NULL,
	"key" text,
	"payload" text NOT NULL,
	"run" timestamp (3) with time zone NOT NULL,
	"waiting" boolean DEFAULT false NOT NULL,
	"lease" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"run" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "kv" (
	"key" text collate "C" PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"expires" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "memberships" (
	"organization_id" bigint NOT NULL,
	"account_id" bigint NOT NULL,
	"role" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "memberships_organization_id_account_id_pk" PRIMARY KEY("organization_id","account_id")
);
--> statement-breakpoint
CREATE TABLE "posts" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"actor_id" bigint NOT NULL,
	"account_id" bigint,
	"local" boolean NOT NULL,
	"content" text NOT NULL,
	"source" text,
	"summary" text,
	"name" text,
	"language" text,
	"visibility" text NOT NULL,
	"in_reply_to" text,
	"url" text NOT NULL,
	"proposal" text,
	"published" timestamp (3) with time zone NOT NULL,
	"updated" timestamp (3) with time zone,
	"deleted" timestamp (3) with time zone,
	CONSTRAINT "posts_iri_unique" UNIQUE("iri")
);
--> statement-breakpoint
CREATE TABLE "proposals" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"actor_id" bigint NOT NULL,
	"account_id" bigint,
	"local" boolean NOT NULL,
	"purpose" text NOT NULL,
	"name" text NOT NULL,
	"content" text NOT NULL,
	"source" text,
	"language" text,
	"category" text,
	"unit" text NOT NULL,
	"available" integer,
	"minimum" integer,
	"unit_based" boolean,
	"settlement" text NOT NULL,
	"price" bigint,
	"currency" text,
	"currency_symbol" text,
	"currency_scale" integer,
	"location" text,
	"online" boolean DEFAULT false NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"url" text NOT NULL,
	"published" timestamp (3) with time zone NOT NULL,
	"updated" timestamp (3) with time zone,
	"ends" timestamp (3) with time zone,
	"deleted" timestamp (3) with time zone,
	CONSTRAINT "proposals_iri_unique" UNIQUE("iri")
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "activities" ADD CONSTRAINT "activities_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "actor_keys" ADD CONSTRAINT "actor_keys_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "follows" ADD CONSTRAINT "follows_follower_id_actors_id_fk" FOREIGN KEY ("follower_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "follows" ADD CONSTRAINT "follows_followed_id_actors_id_fk" FOREIGN KEY ("followed_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "hubs" ADD CONSTRAINT "hubs_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organization_id_actors_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "posts" ADD CONSTRAINT "posts_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "posts" ADD CONSTRAINT "posts_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposals" ADD CONSTRAINT "proposals_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposals" ADD CONSTRAINT "proposals_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "accounts_email" ON "accounts" USING btree (lower("email"));--> statement-breakpoint
CREATE INDEX "sessions_account" ON "sessions" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "sessions_expires" ON "sessions" USING btree ("expires");--> statement-breakpoint
CREATE INDEX "throttles_started" ON "throttles" USING btree ("started");--> statement-breakpoint
CREATE INDEX "tokens_account" ON "tokens" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "activities_outbox" ON "activities" USING btree ("actor_id","audience","id");--> statement-breakpoint
CREATE INDEX "activities_object" ON "activities" USING btree ("object");--> statement-breakpoint
CREATE INDEX "deletions_deleted" ON "deletions" USING btree ("deleted");--> statement-breakpoint
CREATE UNIQUE INDEX "actors_local_handle" ON "actors" USING btree (lower("handle")) WHERE "actors"."host" is null;--> statement-breakpoint
CREATE INDEX "actors_remote_handle" ON "actors" USING btree ("host",lower("handle")) WHERE "actors"."host" is not null;--> statement-breakpoint
CREATE INDEX "actors_url" ON "actors" USING btree ("url");--> statement-breakpoint
CREATE INDEX "actors_search" ON "actors" USING gin (("name" || ' ' || "handle") gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "actors_directory" ON "actors" USING btree ("kind","id") WHERE "actors"."host" is null and "actors"."deleted" is null;--> statement-breakpoint
CREATE INDEX "public_keys_owner" ON "public_keys" USING btree ("owner");--> statement-breakpoint
CREATE INDEX "public_keys_fetched" ON "public_keys" USING btree ("fetched");--> statement-breakpoint
CREATE UNIQUE INDEX "follows_pair" ON "follows" USING btree ("follower_id","followed_id");--> statement-breakpoint
CREATE INDEX "follows_followers" ON "follows" USING btree ("followed_id","state","id");--> statement-breakpoint
CREATE INDEX "follows_following" ON "follows" USING btree ("follower_id","state","id");--> statement-breakpoint
CREATE INDEX "dead_jobs_queue" ON "dead_jobs" USING btree ("queue","died");--> statement-breakpoint
CREATE INDEX "jobs_ready" ON "jobs" USING btree ("queue","run","id") WHERE "jobs"."lease" is null and not "jobs"."waiting";--> statement-breakpoint
CREATE INDEX "jobs_key" ON "jobs" USING btree ("queue","key","id") WHERE "jobs"."key" is not null;--> statement-breakpoint
CREATE INDEX "jobs_running" ON "jobs" USING btree ("queue","key") WHERE "jobs"."lease" is not null;--> statement-breakpoint
CREATE INDEX "kv_expires" ON "kv" USING btree ("expires");--> statement-breakpoint
CREATE INDEX "memberships_account" ON "memberships" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "posts_actor" ON "posts" USING btree ("actor_id","id") WHERE "posts"."deleted" is null;--> statement-breakpoint
CREATE INDEX "posts_local" ON "posts" USING btree ("id") WHERE "posts"."local" and "posts"."visibility" = 'public' and "posts"."deleted" is null;--> statement-breakpoint
CREATE INDEX "posts_replies" ON "posts" USING btree ("in_reply_to","id") WHERE "posts"."in_reply_to" is not null;--> statement-breakpoint
CREATE INDEX "posts_proposal" ON "posts" USING btree ("proposal") WHERE "posts"."proposal" is not null;--> statement-breakpoint
CREATE INDEX "proposals_open" ON "proposals" USING btree ("id") WHERE "proposals"."deleted" is null;--> statement-breakpoint
CREATE INDEX "proposals_purpose" ON "proposals" USING btree ("purpose","id") WHERE "proposals"."deleted" is null;--> statement-breakpoint
CREATE INDEX "proposals_category" ON "proposals" USING btree ("category","id") WHERE "proposals"."deleted" is null;--> statement-breakpoint
CREATE INDEX "proposals_actor" ON "proposals" USING btree ("actor_id","id") WHERE "proposals"."deleted" is null;