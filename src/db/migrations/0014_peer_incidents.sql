ALTER TABLE "peers" ADD COLUMN "new_key" text;--> statement-breakpoint
ALTER TABLE "peers" ADD COLUMN "silent" timestamp (3) with time zone;