CREATE TABLE "review_digests" (
	"id" bigint PRIMARY KEY NOT NULL,
	"iri" text NOT NULL,
	"agreement_id" bigint NOT NULL,
	"author_id" bigint NOT NULL,
	"digest" text NOT NULL,
	"body" text NOT NULL,
	"late" boolean NOT NULL,
	"received" timestamp (3) with time zone NOT NULL,
	"deleted" timestamp (3) with time zone,
	CONSTRAINT "review_digests_iri_unique" UNIQUE("iri")
);
--> statement-breakpoint
ALTER TABLE "resolutions" ADD COLUMN "iri" text;--> statement-breakpoint
ALTER TABLE "resolutions" ADD COLUMN "payer" bigint;--> statement-breakpoint
ALTER TABLE "resolutions" ADD COLUMN "theirs" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "resolutions" ADD COLUMN "agreed" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "resolutions" ADD COLUMN "agreed_by" bigint;--> statement-breakpoint
ALTER TABLE "reviews" ADD COLUMN "salt" text;--> statement-breakpoint
ALTER TABLE "review_digests" ADD CONSTRAINT "review_digests_agreement_id_agreements_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreements"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "review_digests" ADD CONSTRAINT "review_digests_author_id_actors_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "review_digests_party" ON "review_digests" USING btree ("agreement_id","author_id");--> statement-breakpoint
ALTER TABLE "resolutions" ADD CONSTRAINT "resolutions_agreed_by_accounts_id_fk" FOREIGN KEY ("agreed_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "resolutions" ADD CONSTRAINT "resolutions_iri_unique" UNIQUE("iri");