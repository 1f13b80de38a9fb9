-- Whose deletions the old rows were is not known; they only keep out what may still arrive.
DELETE FROM "deletions";--> statement-breakpoint
ALTER TABLE "deletions" DROP CONSTRAINT "deletions_pkey";--> statement-breakpoint
ALTER TABLE "deletions" ADD COLUMN "actor_id" bigint NOT NULL;--> statement-breakpoint
ALTER TABLE "deletions" ADD CONSTRAINT "deletions_iri_actor_id_pk" PRIMARY KEY("iri","actor_id");--> statement-breakpoint
ALTER TABLE "deletions" ADD CONSTRAINT "deletions_actor_id_actors_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."actors"("id") ON DELETE no action ON UPDATE no action;
