import type { Id } from "../../db/ids.ts";
import type { AccountRole } from "../../db/schema/accounts.ts";
import type { ActorView } from "../actors/queries.ts";

/** Who is logged in, as every page needs it. */
export interface Viewer {
  accountId: Id;
  role: AccountRole;
  locale: string;
  /** The account's own `Person`. */
  person: ActorView;
  /** Organizations it may write for (representative or editor). */
  organizations: ActorView[];
  /** Who it acts as now: `person` or one of `organizations`. */
  acting: ActorView;
}
