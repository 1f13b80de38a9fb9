-- What the ledger promises, kept by the database itself: whoever writes, by whatever way, these rules hold.
-- The functions run with the rights of the tables' owner (the application may be given fewer) and so name the schema.

CREATE FUNCTION "ledger_refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger refuses % on %', lower(TG_OP), TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
-- Rows stay as they were written; only the account of a person who leaves becomes null.
CREATE FUNCTION "ledger_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'account_id' = to_jsonb(OLD) - 'account_id' AND to_jsonb(NEW) ->> 'account_id' IS NULL THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint

-- Accounts: what they hold follows from entries and holds, and from nothing else.
CREATE TRIGGER "ledger_accounts_empty" BEFORE INSERT ON "ledger_accounts" FOR EACH ROW
  WHEN (NEW.posted <> 0 OR NEW.held <> 0 OR NEW.entries <> 0) EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "ledger_accounts_kept" BEFORE UPDATE ON "ledger_accounts" FOR EACH ROW
  WHEN (
    pg_trigger_depth() = 0
    AND (OLD.posted, OLD.held, OLD.entries, OLD.id, OLD.kind, OLD.actor_id, OLD.unit, OLD.opened)
      IS DISTINCT FROM (NEW.posted, NEW.held, NEW.entries, NEW.id, NEW.kind, NEW.actor_id, NEW.unit, NEW.opened)
  ) EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "ledger_accounts_delete" BEFORE DELETE ON "ledger_accounts" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint

-- Transfers: born reserved, with their hold.
CREATE FUNCTION "transfers_reserve"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  corrected record;
BEGIN
  IF NEW.state <> 'reserved' THEN
    RAISE EXCEPTION 'a transfer begins as reserved' USING ERRCODE = 'restrict_violation';
  END IF;
  IF EXISTS (SELECT FROM public.ledger_freezes WHERE released IS NULL) THEN
    RAISE EXCEPTION 'the ledger is frozen' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF NEW.corrects IS NOT NULL THEN
    SELECT payer_id, payee_id, settled INTO corrected FROM public.transfers
      WHERE id = NEW.corrects AND state = 'committed' FOR NO KEY UPDATE;
    IF NOT FOUND OR NEW.payer_id <> corrected.payee_id OR NEW.payee_id <> corrected.payer_id OR NEW.amount > corrected.settled - (
      SELECT coalesce(sum(amount), 0) FROM public.transfers WHERE corrects = NEW.corrects AND state <> 'aborted'
    ) THEN
      RAISE EXCEPTION 'a correction gives back what was settled, and no more' USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  UPDATE public.ledger_accounts SET held = held + NEW.amount WHERE id = NEW.payer_id AND closed IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the payer''s account is closed or does not exist' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "transfers_reserve" BEFORE INSERT ON "transfers" FOR EACH ROW EXECUTE FUNCTION "transfers_reserve"();
--> statement-breakpoint
-- Decided once: the hold is given back, and nothing of the row changes ever after but whose account pressed the button.
CREATE FUNCTION "transfers_decide"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF (OLD.id, OLD.iri, OLD.kind, OLD.payer_id, OLD.payee_id, OLD.amount, OLD.agreement_id, OLD.corrects, OLD.note, OLD.created)
    IS DISTINCT FROM (NEW.id, NEW.iri, NEW.kind, NEW.payer_id, NEW.payee_id, NEW.amount, NEW.agreement_id, NEW.corrects, NEW.note, NEW.created)
  THEN
    RAISE EXCEPTION 'what a transfer moves, and between whom, never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = NEW.state THEN
    IF (OLD.settled, OLD.decision, OLD.decided) IS DISTINCT FROM (NEW.settled, NEW.decision, NEW.decided)
      OR NEW.account_id IS NOT NULL AND NEW.account_id IS DISTINCT FROM OLD.account_id
    THEN
      RAISE EXCEPTION 'a transfer changes by being decided' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'reserved' THEN
    RAISE EXCEPTION 'the transfer was decided before' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = 'committed' AND EXISTS (SELECT FROM public.ledger_freezes WHERE released IS NULL) THEN
    RAISE EXCEPTION 'the ledger is frozen' USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  UPDATE public.ledger_accounts SET held = held - OLD.amount WHERE id = OLD.payer_id;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "transfers_decide" BEFORE UPDATE ON "transfers" FOR EACH ROW EXECUTE FUNCTION "transfers_decide"();
--> statement-breakpoint
CREATE TRIGGER "transfers_delete" BEFORE DELETE ON "transfers" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
-- `entries_whole` sees to it that what is posted is right; this, that something is posted.
CREATE FUNCTION "transfers_posted"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.entries WHERE transfer_id = NEW.id) THEN
    RAISE EXCEPTION 'the committed transfer % has no entries', NEW.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER "transfers_posted" AFTER UPDATE ON "transfers" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.state <> 'committed' AND NEW.state = 'committed') EXECUTE FUNCTION "transfers_posted"();
--> statement-breakpoint

-- Entries: each moves its account's balance on and is numbered by it.
CREATE FUNCTION "entries_post"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  UPDATE public.ledger_accounts SET posted = posted + NEW.amount, entries = entries + 1
    WHERE id = NEW.account_id AND unit = NEW.unit AND closed IS NULL
    RETURNING posted, entries INTO NEW.balance, NEW.seq;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the account % is closed, or of another unit', NEW.account_id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "entries_post" BEFORE INSERT ON "entries" FOR EACH ROW EXECUTE FUNCTION "entries_post"();
--> statement-breakpoint
-- The entries of a transfer are written in one statement, once, when it is committed: the payer gives and the payee gets what
-- was settled, and per unit they sum to zero.
CREATE FUNCTION "entries_whole"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong bigint;
BEGIN
  SELECT w.transfer_id INTO wrong
    FROM written w JOIN public.transfers t ON t.id = w.transfer_id
    GROUP BY w.transfer_id, t.id
    HAVING t.state <> 'committed'
      OR sum(w.amount) FILTER (WHERE w.unit = 'credit') <> 0
      OR sum(w.amount) FILTER (WHERE w.unit = 'hour-second') <> 0
      OR count(*) FILTER (WHERE w.account_id = t.payer_id AND w.amount = -t.settled) <> 1
      OR count(*) FILTER (WHERE w.account_id = t.payee_id AND w.amount = t.settled) <> 1
      OR count(*) <> (SELECT count(*) FROM public.entries e WHERE e.transfer_id = w.transfer_id)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the entries are not those of the transfer %', wrong USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER "entries_whole" AFTER INSERT ON "entries" REFERENCING NEW TABLE AS "written" FOR EACH STATEMENT EXECUTE FUNCTION "entries_whole"();
--> statement-breakpoint
CREATE TRIGGER "entries_kept" BEFORE UPDATE OR DELETE ON "entries" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint

-- A freeze is opened, and released once.
CREATE TRIGGER "ledger_freezes_kept" BEFORE UPDATE ON "ledger_freezes" FOR EACH ROW
  WHEN (
    (OLD.id, OLD.frozen) IS DISTINCT FROM (NEW.id, NEW.frozen)
    OR OLD.released IS NOT NULL AND ((OLD.released, OLD.reason) IS DISTINCT FROM (NEW.released, NEW.reason) OR NEW.released_by IS NOT NULL)
  ) EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "ledger_freezes_delete" BEFORE DELETE ON "ledger_freezes" FOR EACH ROW EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint

-- Journals.
CREATE TRIGGER "limit_changes_kept" BEFORE UPDATE OR DELETE ON "limit_changes" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint
CREATE TRIGGER "ledger_checks_kept" BEFORE UPDATE OR DELETE ON "ledger_checks" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint
CREATE TRIGGER "exchange_policies_kept" BEFORE UPDATE OR DELETE ON "exchange_policies" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint
CREATE TRIGGER "agreement_steps_kept" BEFORE UPDATE OR DELETE ON "agreement_steps" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint
CREATE TRIGGER "proposal_revisions_kept" BEFORE UPDATE OR DELETE ON "proposal_revisions" FOR EACH ROW EXECUTE FUNCTION "ledger_append_only"();
--> statement-breakpoint

CREATE TRIGGER "ledger_accounts_truncate" BEFORE TRUNCATE ON "ledger_accounts" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "transfers_truncate" BEFORE TRUNCATE ON "transfers" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "entries_truncate" BEFORE TRUNCATE ON "entries" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "limit_changes_truncate" BEFORE TRUNCATE ON "limit_changes" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "ledger_checks_truncate" BEFORE TRUNCATE ON "ledger_checks" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "ledger_freezes_truncate" BEFORE TRUNCATE ON "ledger_freezes" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "exchange_policies_truncate" BEFORE TRUNCATE ON "exchange_policies" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "agreement_steps_truncate" BEFORE TRUNCATE ON "agreement_steps" EXECUTE FUNCTION "ledger_refuse"();
--> statement-breakpoint
CREATE TRIGGER "proposal_revisions_truncate" BEFORE TRUNCATE ON "proposal_revisions" EXECUTE FUNCTION "ledger_refuse"();
