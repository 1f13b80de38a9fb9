ALTER TABLE "accounts" ADD COLUMN "mails" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "notices" ADD COLUMN "mailed" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "notices_unmailed" ON "notices" USING btree ("account_id") WHERE "notices"."mailed" is null;