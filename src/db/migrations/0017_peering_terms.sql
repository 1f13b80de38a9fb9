ALTER TABLE "peerings" ADD COLUMN "quote_days" smallint NOT NULL;--> statement-breakpoint
ALTER TABLE "peerings" ADD COLUMN "dispute_days" smallint NOT NULL;--> statement-breakpoint
ALTER TABLE "peerings" ADD COLUMN "settle_days" smallint NOT NULL;--> statement-breakpoint
ALTER TABLE "peerings" ADD COLUMN "drain_days" smallint NOT NULL;--> statement-breakpoint
ALTER TABLE "peerings" ADD COLUMN "currency" text NOT NULL;