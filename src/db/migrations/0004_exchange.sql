CREATE TABLE "agreement_messages" (
	"id" bigint PRIMARY KEY NOT NULL,
	"agreement_id" bigint NOT NULL,
	"author_id" bigint NOT NULL,
	"account_id" bigint,
	"content" text NOT NULL,
	"media_id" bigint,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agreement_steps" (
	"id" bigint PRIMARY KEY NOT NULL,
	"agreement_id" bigint NOT NULL,
	"message" text NOT NULL,
	"state" text NOT NULL,
	"party" text,
	"account_id" bigint,
	"amount" bigint,
	"quantity" integer,
	"due" timestamp (3) with time zone,
	"note" text,
	"activity" text,
	"body" text,
	"digest" text,
	"proof" text,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agreements" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"proposal_id" bigint NOT NULL,
	"proposal_revision" integer NOT NULL,
	"settlement" text NOT NULL,
	"provider_id" bigint NOT NULL,
	"receiver_id" bigint NOT NULL,
	"proposer" text NOT NULL,
	"state" text NOT NULL,
	"offered_by" text NOT NULL,
	"quantity" integer NOT NULL,
	"unit" text NOT NULL,
	"amount" bigint,
	"due" timestamp (3) with time zone,
	"transfer_id" bigint,
	"voucher_id" bigint,
	"donation" smallint DEFAULT 0 NOT NULL,
	"settled_amount" bigint,
	"settled_quantity" integer,
	"automatic" boolean DEFAULT false NOT NULL,
	"disputed_by" text,
	"created" timestamp (3) with time zone NOT NULL,
	"answered" timestamp (3) with time zone,
	"accepted" timestamp (3) with time zone,
	"delivered" timestamp (3) with time zone,
	"changed" timestamp (3) with time zone NOT NULL,
	"settled" timestamp (3) with time zone,
	"deadline" timestamp (3) with time zone,
	"remind" timestamp (3) with time zone,
	CONSTRAINT "agreements_iri_unique" UNIQUE("iri"),
	CONSTRAINT "agreements_parties" CHECK ("agreements"."provider_id" <> "agreements"."receiver_id"),
	CONSTRAINT "agreements_quantity" CHECK ("agreements"."quantity" > 0),
	CONSTRAINT "agreements_amount" CHECK (("agreements"."settlement" = 'credit') = ("agreements"."amount" is not null) and ("agreements"."amount" is null or "agreements"."amount" > 0)),
	CONSTRAINT "agreements_donation" CHECK ("agreements"."donation" between 0 and 20)
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"actor_id" bigint NOT NULL,
	"key" text NOT NULL,
	"request" "bytea" NOT NULL,
	"status" smallint NOT NULL,
	"location" text,
	"body" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_actor_id_key_pk" PRIMARY KEY("actor_id","key")
);
--> statement-breakpoint
CREATE TABLE "resolutions" (
	"id" bigint PRIMARY KEY NOT NULL,
	"agreement_id" bigint NOT NULL,
	"account_id" bigint,
	"release" bigint NOT NULL,
	"note" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"provider_signed" timestamp (3) with time zone,
	"receiver_signed" timestamp (3) with time zone,
	"applied" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "reviews" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"agreement_id" bigint NOT NULL,
	"author_id" bigint NOT NULL,
	"subject_id" bigint NOT NULL,
	"account_id" bigint,
	"role" text NOT NULL,
	"kept_word" smallint NOT NULL,
	"quality" smallint NOT NULL,
	"communication" smallint NOT NULL,
	"content" text,
	"language" text,
	"digest" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"revealed" timestamp (3) with time zone,
	"late" boolean DEFAULT false NOT NULL,
	"post_id" bigint,
	"deleted" timestamp (3) with time zone,
	CONSTRAINT "reviews_iri_unique" UNIQUE("iri"),
	CONSTRAINT "reviews_scores" CHECK ("reviews"."kept_word" between 1 and 5 and "reviews"."quality" between 1 and 5 and "reviews"."communication" between 1 and 5)
);
--> statement-breakpoint
CREATE TABLE "entries" (
	"id" bigint PRIMARY KEY NOT NULL,
	"transfer_id" bigint NOT NULL,
	"account_id" bigint NOT NULL,
	"unit" text DEFAULT 'credit' NOT NULL,
	"amount" bigint NOT NULL,
	"seq" bigint DEFAULT 0 NOT NULL,
	"balance" bigint DEFAULT 0 NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "entries_amount" CHECK ("entries"."amount" <> 0)
);
--> statement-breakpoint
CREATE TABLE "exchange_policies" (
	"revision" serial PRIMARY KEY NOT NULL,
	"start_line" bigint NOT NULL,
	"max_line" bigint NOT NULL,
	"small_factor" smallint NOT NULL,
	"soft_maximum" bigint NOT NULL,
	"daily_limit" bigint NOT NULL,
	"fund_minimum" bigint NOT NULL,
	"voucher_quota" bigint NOT NULL,
	"vouch_max" bigint NOT NULL,
	"answer_days" smallint NOT NULL,
	"grace_days" smallint NOT NULL,
	"settle_days" smallint NOT NULL,
	"dispute_days" smallint NOT NULL,
	"review_days" smallint NOT NULL,
	"dispute_rule" text NOT NULL,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_accounts" (
	"id" bigint PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"actor_id" bigint,
	"unit" text DEFAULT 'credit' NOT NULL,
	"posted" bigint DEFAULT 0 NOT NULL,
	"held" bigint DEFAULT 0 NOT NULL,
	"minimum" bigint,
	"growth" bigint DEFAULT 0 NOT NULL,
	"maximum" bigint,
	"entries" bigint DEFAULT 0 NOT NULL,
	"opened" timestamp (3) with time zone NOT NULL,
	"closed" timestamp (3) with time zone,
	CONSTRAINT "ledger_accounts_owner" UNIQUE NULLS NOT DISTINCT("kind","actor_id","unit"),
	CONSTRAINT "ledger_accounts_floor" CHECK ("ledger_accounts"."minimum" is null or "ledger_accounts"."posted" - "ledger_accounts"."held" >= "ledger_accounts"."minimum"),
	CONSTRAINT "ledger_accounts_held" CHECK ("ledger_accounts"."held" >= 0),
	CONSTRAINT "ledger_accounts_growth" CHECK ("ledger_accounts"."growth" >= 0)
);
--> statement-breakpoint
CREATE TABLE "ledger_checks" (
	"id" serial PRIMARY KEY NOT NULL,
	"checked" timestamp (3) with time zone NOT NULL,
	"findings" text NOT NULL,
	"entries" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_freezes" (
	"id" serial PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"frozen" timestamp (3) with time zone NOT NULL,
	"released" timestamp (3) with time zone,
	"released_by" bigint
);
--> statement-breakpoint
CREATE TABLE "limit_changes" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"ledger_account_id" bigint NOT NULL,
	"minimum" bigint,
	"growth" bigint NOT NULL,
	"maximum" bigint,
	"reason" text NOT NULL,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "transfers" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"payer_id" bigint NOT NULL,
	"payee_id" bigint NOT NULL,
	"amount" bigint NOT NULL,
	"settled" bigint,
	"agreement_id" bigint,
	"corrects" bigint,
	"decision" text,
	"note" text,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL,
	"decided" timestamp (3) with time zone,
	CONSTRAINT "transfers_iri_unique" UNIQUE("iri"),
	CONSTRAINT "transfers_parties" CHECK ("transfers"."payer_id" <> "transfers"."payee_id"),
	CONSTRAINT "transfers_amount" CHECK ("transfers"."amount" > 0),
	CONSTRAINT "transfers_settled" CHECK (("transfers"."state" = 'committed') = ("transfers"."settled" is not null) and ("transfers"."settled" is null or ("transfers"."settled" > 0 and "transfers"."settled" <= "transfers"."amount"))),
	CONSTRAINT "transfers_decided" CHECK (("transfers"."state" = 'reserved') = ("transfers"."decided" is null))
);
--> statement-breakpoint
CREATE TABLE "vouchers" (
	"id" bigint PRIMARY KEY NOT NULL,
	"organization_id" bigint NOT NULL,
	"purpose" text NOT NULL,
	"requested" bigint NOT NULL,
	"approved" bigint,
	"state" text NOT NULL,
	"automatic" boolean DEFAULT false NOT NULL,
	"note" text,
	"requested_by" bigint,
	"decided_by" bigint,
	"agreement_id" bigint,
	"created" timestamp (3) with time zone NOT NULL,
	"decided" timestamp (3) with time zone,
	"expires" timestamp (3) with time zone,
	CONSTRAINT "vouchers_amounts" CHECK ("vouchers"."requested" > 0 and ("vouchers"."approved" is null or "vouchers"."approved" > 0))
);
--> statement-breakpoint
CREATE TABLE "vouches" (
	"id" bigint PRIMARY KEY NOT NULL,
	"voucher_id" bigint NOT NULL,
	"vouched_id" bigint NOT NULL,
	"amount" bigint NOT NULL,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL,
	"released" timestamp (3) with time zone,
	CONSTRAINT "vouches_amount" CHECK ("vouches"."amount" > 0 and "vouches"."voucher_id" <> "vouches"."vouched_id")
);
--> statement-breakpoint
CREATE TABLE "media" (
	"id" bigint PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"owner_id" bigint NOT NULL,
	"account_id" bigint,
	"name" text NOT NULL,
	"description" text,
	"type" text NOT NULL,
	"bytes" integer NOT NULL,
	"width" integer,
	"height" integer,
	"sha256" text NOT NULL,
	"open" boolean NOT NULL,
	"created" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"account_id" bigint NOT NULL,
	"actor_id" bigint NOT NULL,
	"kind" text NOT NULL,
	"path" text NOT NULL,
	"details" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"read" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"organization_id" bigint PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"size_class" text NOT NULL,
	"statement" text NOT NULL,
	"note" text,
	"requested" timestamp (3) with time zone NOT NULL,
	"decided" timestamp (3) with time zone,
	"decided_by" bigint
);
--> statement-breakpoint
CREATE TABLE "categories" (
	"key" text PRIMARY KEY NOT NULL,
	"labels" text NOT NULL,
	"created" timestamp (3) with time zone NOT NULL,
	"retired" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "proposal_photos" (
	"proposal_id" bigint NOT NULL,
	"position" smallint NOT NULL,
	"media_id" bigint NOT NULL,
	CONSTRAINT "proposal_photos_proposal_id_position_pk" PRIMARY KEY("proposal_id","position")
);
--> statement-breakpoint
CREATE TABLE "proposal_revisions" (
	"proposal_id" bigint NOT NULL,
	"revision" integer NOT NULL,
	"terms" text NOT NULL,
	"account_id" bigint,
	"created" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "proposal_revisions_proposal_id_revision_pk" PRIMARY KEY("proposal_id","revision")
);
--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "subcategory" text;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "tags" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "languages" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "committed" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "country" text;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "lead_days" smallint;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "noticed" smallint;--> statement-breakpoint
ALTER TABLE "proposals" ADD COLUMN "paused" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "agreement_messages" ADD CONSTRAINT "agreement_messages_agreement_id_agreements_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_messages" ADD CONSTRAINT "agreement_messages_author_id_actors_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_messages" ADD CONSTRAINT "agreement_messages_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_messages" ADD CONSTRAINT "agreement_messages_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_steps" ADD CONSTRAINT "agreement_steps_agreement_id_agreements_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_steps" ADD CONSTRAINT "agreement_steps_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreements" ADD CONSTRAINT "agreements_proposal_id_proposals_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "public"."proposals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreements" ADD CONSTRAINT "agreements_provider_id_actors_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreements" ADD CONSTRAINT "agreements_receiver_id_actors_id_fk" FOREIGN KEY ("receiver_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreements" ADD CONSTRAINT "agreements_voucher_id_vouchers_id_fk" FOREIGN KEY ("voucher_id") REFERENCES "public"."vouchers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "resolutions" ADD CONSTRAINT "resolutions_agreement_id_agreements_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "resolutions" ADD CONSTRAINT "resolutions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_agreement_id_agreements_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_author_id_actors_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_subject_id_actors_id_fk" FOREIGN KEY ("subject_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reviews" ADD CONSTRAINT "reviews_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "entries" ADD CONSTRAINT "entries_transfer_id_transfers_id_fk" FOREIGN KEY ("transfer_id") REFERENCES "public"."transfers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "entries" ADD CONSTRAINT "entries_account_id_ledger_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."ledger_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "exchange_policies" ADD CONSTRAINT "exchange_policies_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_accounts" ADD CONSTRAINT "ledger_accounts_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_freezes" ADD CONSTRAINT "ledger_freezes_released_by_accounts_id_fk" FOREIGN KEY ("released_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "limit_changes" ADD CONSTRAINT "limit_changes_ledger_account_id_ledger_accounts_id_fk" FOREIGN KEY ("ledger_account_id") REFERENCES "public"."ledger_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "limit_changes" ADD CONSTRAINT "limit_changes_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_payer_id_ledger_accounts_id_fk" FOREIGN KEY ("payer_id") REFERENCES "public"."ledger_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_payee_id_ledger_accounts_id_fk" FOREIGN KEY ("payee_id") REFERENCES "public"."ledger_accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_corrects_transfers_id_fk" FOREIGN KEY ("corrects") REFERENCES "public"."transfers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "transfers" ADD CONSTRAINT "transfers_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouchers" ADD CONSTRAINT "vouchers_organization_id_actors_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouchers" ADD CONSTRAINT "vouchers_requested_by_accounts_id_fk" FOREIGN KEY ("requested_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouchers" ADD CONSTRAINT "vouchers_decided_by_accounts_id_fk" FOREIGN KEY ("decided_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouches" ADD CONSTRAINT "vouches_voucher_id_actors_id_fk" FOREIGN KEY ("voucher_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouches" ADD CONSTRAINT "vouches_vouched_id_actors_id_fk" FOREIGN KEY ("vouched_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vouches" ADD CONSTRAINT "vouches_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "media" ADD CONSTRAINT "media_owner_id_actors_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "media" ADD CONSTRAINT "media_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notices" ADD CONSTRAINT "notices_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notices" ADD CONSTRAINT "notices_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_organization_id_actors_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "verifications" ADD CONSTRAINT "verifications_decided_by_accounts_id_fk" FOREIGN KEY ("decided_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposal_photos" ADD CONSTRAINT "proposal_photos_proposal_id_proposals_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "public"."proposals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposal_photos" ADD CONSTRAINT "proposal_photos_media_id_media_id_fk" FOREIGN KEY ("media_id") REFERENCES "public"."media"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposal_revisions" ADD CONSTRAINT "proposal_revisions_proposal_id_proposals_id_fk" FOREIGN KEY ("proposal_id") REFERENCES "public"."proposals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "proposal_revisions" ADD CONSTRAINT "proposal_revisions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "agreement_messages_agreement" ON "agreement_messages" USING btree ("agreement_id","id");--> statement-breakpoint
CREATE INDEX "agreement_steps_agreement" ON "agreement_steps" USING btree ("agreement_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "agreement_steps_activity" ON "agreement_steps" USING btree ("activity") WHERE "agreement_steps"."activity" is not null;--> statement-breakpoint
CREATE INDEX "agreements_provider" ON "agreements" USING btree ("provider_id","id");--> statement-breakpoint
CREATE INDEX "agreements_receiver" ON "agreements" USING btree ("receiver_id","id");--> statement-breakpoint
CREATE INDEX "agreements_proposal" ON "agreements" USING btree ("proposal_id","id");--> statement-breakpoint
CREATE INDEX "agreements_deadline" ON "agreements" USING btree ("deadline") WHERE "agreements"."deadline" is not null;--> statement-breakpoint
CREATE INDEX "agreements_remind" ON "agreements" USING btree ("remind") WHERE "agreements"."remind" is not null;--> statement-breakpoint
CREATE INDEX "agreements_disputed" ON "agreements" USING btree ("id") WHERE "agreements"."state" = 'disputed';--> statement-breakpoint
CREATE INDEX "agreements_settled" ON "agreements" USING btree ("settled") WHERE "agreements"."settled" is not null;--> statement-breakpoint
CREATE INDEX "idempotency_keys_created" ON "idempotency_keys" USING btree ("created");--> statement-breakpoint
CREATE INDEX "resolutions_agreement" ON "resolutions" USING btree ("agreement_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "reviews_party" ON "reviews" USING btree ("agreement_id","author_id");--> statement-breakpoint
CREATE INDEX "reviews_subject" ON "reviews" USING btree ("subject_id","id") WHERE "reviews"."revealed" is not null;--> statement-breakpoint
CREATE INDEX "reviews_author" ON "reviews" USING btree ("author_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "entries_account" ON "entries" USING btree ("account_id","seq");--> statement-breakpoint
CREATE INDEX "entries_transfer" ON "entries" USING btree ("transfer_id");--> statement-breakpoint
CREATE INDEX "ledger_accounts_actor" ON "ledger_accounts" USING btree ("actor_id");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_freezes_open" ON "ledger_freezes" USING btree ((1)) WHERE "ledger_freezes"."released" is null;--> statement-breakpoint
CREATE INDEX "limit_changes_account" ON "limit_changes" USING btree ("ledger_account_id","id");--> statement-breakpoint
CREATE INDEX "transfers_payer" ON "transfers" USING btree ("payer_id","created");--> statement-breakpoint
CREATE INDEX "transfers_holds" ON "transfers" USING btree ("payer_id","id") WHERE "transfers"."state" = 'reserved';--> statement-breakpoint
CREATE INDEX "transfers_agreement" ON "transfers" USING btree ("agreement_id") WHERE "transfers"."agreement_id" is not null;--> statement-breakpoint
CREATE INDEX "transfers_corrects" ON "transfers" USING btree ("corrects") WHERE "transfers"."corrects" is not null;--> statement-breakpoint
CREATE INDEX "vouchers_organization" ON "vouchers" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "vouchers_queue" ON "vouchers" USING btree ("id") WHERE "vouchers"."state" = 'requested';--> statement-breakpoint
CREATE INDEX "vouchers_approved" ON "vouchers" USING btree ("expires") WHERE "vouchers"."state" = 'approved';--> statement-breakpoint
CREATE UNIQUE INDEX "vouches_open" ON "vouches" USING btree ("voucher_id","vouched_id") WHERE "vouches"."released" is null;--> statement-breakpoint
CREATE INDEX "vouches_vouched" ON "vouches" USING btree ("vouched_id") WHERE "vouches"."released" is null;--> statement-breakpoint
CREATE INDEX "media_owner" ON "media" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "media_sha256" ON "media" USING btree ("sha256");--> statement-breakpoint
CREATE INDEX "notices_account" ON "notices" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "notices_unread" ON "notices" USING btree ("account_id") WHERE "notices"."read" is null;--> statement-breakpoint
CREATE INDEX "notices_created" ON "notices" USING btree ("created");--> statement-breakpoint
CREATE INDEX "verifications_queue" ON "verifications" USING btree ("requested") WHERE "verifications"."state" = 'requested';--> statement-breakpoint
CREATE INDEX "proposals_ends" ON "proposals" USING btree ("ends") WHERE "proposals"."deleted" is null and "proposals"."local" and "proposals"."ends" is not null;--> statement-breakpoint
ALTER TABLE "proposals" ADD CONSTRAINT "proposals_committed" CHECK ("proposals"."committed" >= 0 and ("proposals"."available" is null or "proposals"."committed" <= "proposals"."available"));