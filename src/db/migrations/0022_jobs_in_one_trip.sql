-- What src/queue/jobs.ts says of claims and ends, in one trip to the database each: half of what a small job costs are trips. A function, since
-- the rows of a key are looked at by a statement of its own, after the one that takes the key's lock: it sees what was committed until then.
-- Both are called by themselves: the locks are held until their end. Their statements are planned once: planning them costs several times what
-- they do, and PostgreSQL, left alone, planned them anew for each call. A kept plan may be of a time when the queue was empty: rows are asked for by
-- lists of their ids, never joined, and so each is looked up by its key, however many there are by then.

-- One row for each job that is taken, and for each (without its payload) that waits from now on; one without an id when there is none.
CREATE FUNCTION "claim_jobs"(
  "_queue" text, "_now" timestamptz, "_take" integer, "_window" integer, "_lease" interval, "_run" integer, "_size" integer
) RETURNS TABLE (
  "id" bigint, "queue" text, "key" text, "payload" text, "attempts" integer, "created" timestamptz, "waiting" boolean, "place" integer,
  "contested" integer, "more" boolean, "next" timestamptz
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  seen integer;
  ours bigint[];
BEGIN
  SELECT count(*), coalesce(array_agg(id ORDER BY run, id) FILTER (WHERE mine), '{}') INTO seen, ours
  FROM (
    SELECT id, run, CASE WHEN key IS NULL THEN true ELSE pg_try_advisory_xact_lock(hashtextextended(key, 0)) END AS mine
    FROM (
      SELECT id, key, run FROM jobs
      WHERE queue = _queue AND run <= _now AND lease IS NULL AND NOT waiting
      ORDER BY run, id LIMIT _window
      FOR UPDATE SKIP LOCKED
    ) AS ready
  ) AS candidates;
  -- The first row of a key is asked for by a range that holds just that key, and in the order of an index: then only this index will
  -- do. Asked with `=`, the planner at times prefers the primary key, depending on its statistics, and walks past everything else.
  -- Rows behind it may be locked by a claim that looks at them and does not have their key: the run ends before such a row, and
  -- claims do not wait for each other.
  RETURN QUERY WITH locked AS (
    SELECT jobs.id, queue, key, array_position(ours, jobs.id) AS place, coalesce(jobs.id > first.id, false) OR running.id IS NOT NULL AS blocked
    FROM jobs
    LEFT JOIN LATERAL (
      SELECT id FROM jobs AS j
      WHERE (j.queue, j.key) >= (jobs.queue, jobs.key) AND (j.queue, j.key) <= (jobs.queue, jobs.key)
        AND j.key IS NOT NULL
      ORDER BY j.queue, j.key, j.id LIMIT 1
    ) AS first ON jobs.key IS NOT NULL
    LEFT JOIN LATERAL (
      SELECT id FROM jobs AS j
      WHERE (j.queue, j.key) >= (jobs.queue, jobs.key) AND (j.queue, j.key) <= (jobs.queue, jobs.key)
        AND j.lease IS NOT NULL
      ORDER BY j.queue, j.key LIMIT 1
    ) AS running ON jobs.key IS NOT NULL
    WHERE jobs.id = ANY (ours)
  ), begun AS (
    SELECT id, queue, key FROM locked WHERE NOT blocked ORDER BY place LIMIT _take
  ), behind AS (
    SELECT next.*
    FROM begun CROSS JOIN LATERAL (
      SELECT id, key, run <= _now AND attempts = 0 AND lease IS NULL AS ready, pg_column_size(payload) AS size
      FROM jobs AS j
      WHERE (j.queue, j.key) >= (begun.queue, begun.key) AND (j.queue, j.key) <= (begun.queue, begun.key)
        AND j.key IS NOT NULL AND j.id > begun.id
      ORDER BY j.queue, j.key, j.id LIMIT _run - 1
    ) AS next
    WHERE begun.key IS NOT NULL
  ), free AS (
    SELECT id FROM jobs WHERE id = ANY (ARRAY(SELECT id FROM behind)) FOR UPDATE SKIP LOCKED
  ), together AS (
    SELECT id FROM (
      SELECT
        id, bool_and(ready AND id IN (SELECT id FROM free)) OVER up_to_it AS unbroken, sum(size) OVER up_to_it AS size
      FROM behind
      WINDOW up_to_it AS (PARTITION BY key ORDER BY id)
    ) AS run WHERE unbroken AND size <= _size
  ), chosen AS (
    SELECT id, false AS blocked FROM begun
    UNION ALL
    SELECT id, false FROM together
    UNION ALL
    SELECT id, true FROM locked WHERE blocked AND id NOT IN (SELECT id FROM together)
  )
  UPDATE jobs SET
    waiting = blocked,
    lease = CASE WHEN NOT blocked THEN clock_timestamp() + _lease END,
    attempts = attempts + CASE WHEN blocked THEN 0 ELSE 1 END
  FROM chosen WHERE jobs.id = chosen.id AND jobs.id = ANY (ARRAY(SELECT id FROM chosen))
  RETURNING jobs.id, queue, key, CASE WHEN NOT blocked THEN payload END, attempts, created, waiting,
    array_position(ours, jobs.id), seen - cardinality(ours), seen = _window, NULL::timestamptz;
  IF NOT FOUND THEN
    RETURN QUERY SELECT NULL::bigint, NULL, NULL, NULL, NULL::integer, NULL::timestamptz, NULL::boolean, NULL::integer,
      seen - cardinality(ours), seen = _window,
      (SELECT run FROM jobs WHERE queue = _queue AND lease IS NULL AND NOT waiting ORDER BY run LIMIT 1);
  END IF;
END $$;
--> statement-breakpoint

-- What became of jobs, given side by side: `_ends` done, later (`_runs`), dead or released (`_unspent` attempts). The next job of each key no longer waits.
-- `woken`: the queues in which one was; `written`: how many were still the caller's.
CREATE FUNCTION "end_jobs"(
  "_now" timestamptz, "_expired" boolean, "_ids" bigint[], "_attempts" integer[], "_queues" text[], "_keys" text[],
  "_ends" text[], "_runs" timestamptz[], "_errors" text[], "_unspent" integer[], OUT "woken" text[], OUT "written" integer
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
  n integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hash) FROM (
    SELECT DISTINCT hashtextextended(key, 0) AS hash FROM unnest(_keys) AS keys (key) WHERE key IS NOT NULL ORDER BY hash
  ) AS hashes;
  DELETE FROM jobs USING unnest(_ids, _attempts, _ends) AS mine (id, attempts, became)
    WHERE became = 'done' AND jobs.id = ANY (_ids) AND jobs.id = mine.id AND jobs.attempts = mine.attempts
      AND (NOT _expired OR lease < clock_timestamp());
  GET DIAGNOSTICS written = ROW_COUNT;
  IF 'later' = ANY (_ends) THEN
    UPDATE jobs SET lease = NULL, run = mine.run, error = mine.error
      FROM unnest(_ids, _attempts, _ends, _runs, _errors) AS mine (id, attempts, became, run, error)
      WHERE became = 'later' AND jobs.id = ANY (_ids) AND jobs.id = mine.id AND jobs.attempts = mine.attempts
        AND (NOT _expired OR lease < clock_timestamp());
    GET DIAGNOSTICS n = ROW_COUNT;
    written := written + n;
  END IF;
  IF 'dead' = ANY (_ends) THEN
    WITH gone AS (
      DELETE FROM jobs USING unnest(_ids, _attempts, _ends, _errors) AS mine (id, attempts, became, error)
      WHERE became = 'dead' AND jobs.id = ANY (_ids) AND jobs.id = mine.id AND jobs.attempts = mine.attempts
        AND (NOT _expired OR lease < clock_timestamp())
      RETURNING jobs.id, queue, key, payload, jobs.attempts, created, mine.error
    )
    INSERT INTO dead_jobs (id, queue, key, payload, attempts, created, died, error)
    SELECT id, queue, key, payload, attempts, created, _now, error FROM gone;
    GET DIAGNOSTICS n = ROW_COUNT;
    written := written + n;
  END IF;
  IF 'released' = ANY (_ends) THEN
    UPDATE jobs SET lease = NULL, attempts = jobs.attempts - unspent
      FROM unnest(_ids, _attempts, _ends, _unspent) AS mine (id, attempts, became, unspent)
      WHERE became = 'released' AND jobs.id = ANY (_ids) AND jobs.id = mine.id AND jobs.attempts = mine.attempts
        AND (NOT _expired OR lease < clock_timestamp());
    GET DIAGNOSTICS n = ROW_COUNT;
    written := written + n;
  END IF;
  WITH freed AS (
    UPDATE jobs SET waiting = false
    WHERE waiting AND id = ANY (ARRAY(
      SELECT first.id
      FROM (
        SELECT DISTINCT queue, key FROM unnest(_queues, _keys) AS keys (queue, key) WHERE key IS NOT NULL
      ) AS keys
      CROSS JOIN LATERAL (
        SELECT id FROM jobs AS j
        WHERE (j.queue, j.key) >= (keys.queue, keys.key) AND (j.queue, j.key) <= (keys.queue, keys.key)
          AND j.key IS NOT NULL
        ORDER BY j.queue, j.key, j.id LIMIT 1
      ) AS first
    ))
    RETURNING queue
  )
  SELECT coalesce(array_agg(DISTINCT queue), '{}') INTO woken FROM freed;
END $$;
