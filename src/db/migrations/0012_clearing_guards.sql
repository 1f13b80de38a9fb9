-- What hubs signed to one another stays as it was written.
CREATE TRIGGER "peerings_kept" BEFORE UPDATE OR DELETE ON "peerings" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint
CREATE TRIGGER "peerings_truncate" BEFORE TRUNCATE ON "peerings" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "clearing_entries_kept" BEFORE UPDATE OR DELETE ON "clearing_entries" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "clearing_entries_truncate" BEFORE TRUNCATE ON "clearing_entries" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "clearing_evidence_kept" BEFORE UPDATE OR DELETE ON "clearing_evidence" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "clearing_evidence_truncate" BEFORE TRUNCATE ON "clearing_evidence" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "public_totals_kept" BEFORE UPDATE OR DELETE ON "public_totals" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "public_totals_truncate" BEFORE TRUNCATE ON "public_totals" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
-- Decided once: a transfer between hubs never leaves a final state.
CREATE FUNCTION "clearing_transfers_decide"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.iri, OLD.peer_id, OLD.side) IS DISTINCT FROM (NEW.iri, NEW.peer_id, NEW.side)
    OR OLD.state NOT IN ('reserved', 'prepared') AND (OLD.state, OLD.transfer_id, OLD.terms, OLD.seq) IS DISTINCT FROM (NEW.state, NEW.transfer_id, NEW.terms, NEW.seq)
  THEN
    RAISE EXCEPTION 'the transfer % was decided before', OLD.iri USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "clearing_transfers_decide" BEFORE UPDATE ON "clearing_transfers" FOR EACH ROW EXECUTE FUNCTION "clearing_transfers_decide"();
--> statement-breakpoint
CREATE TRIGGER "clearing_transfers_kept" BEFORE DELETE ON "clearing_transfers" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "clearing_transfers_truncate" BEFORE TRUNCATE ON "clearing_transfers" EXECUTE FUNCTION "ledger_refuse"();
