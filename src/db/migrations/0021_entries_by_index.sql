-- The same guard as before. Each transfer is looked up by its key (LIMIT keeps the planner from joining otherwise): of a table that only
-- this statement has it knows nothing, and for some hundred lines it read all transfers of the ledger.
CREATE OR REPLACE FUNCTION "entries_whole"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong bigint;
BEGIN
  SELECT w.transfer_id INTO wrong
    FROM written w CROSS JOIN LATERAL (
      SELECT state, payer_id, payee_id, settled FROM public.transfers WHERE id = w.transfer_id LIMIT 1
    ) t
    GROUP BY w.transfer_id
    HAVING bool_or(t.state <> 'committed')
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
