import type { Id } from "../../db/ids.ts";
import type { Purpose, Settlement, Unit } from "../../db/schema/proposals.ts";
import type { ActorView } from "../actors/queries.ts";

/** An offer or a need as pages and APIs show it. */
export interface ProposalView {
  id: Id;
  iri: string;
  url: string;
  actor: ActorView;
  local: boolean;
  purpose: Purpose;
  name: string;
  /** Sanitized HTML. */
  content: string;
  language: string | null;
  /** Key of the category list (`categories.<key>` in the locales), null when unknown here. */
  category: string | null;
  unit: Unit;
  available: number | null;
  minimum: number | null;
  unitBased: boolean | null;
  settlement: Settlement;
  /** Minor units of the currency, per unit when `unitBased`. */
  price: bigint | null;
  currencySymbol: string | null;
  currencyScale: number | null;
  location: string | null;
  online: boolean;
  published: Date;
  ends: Date | null;
  /** The one who looks may withdraw it. */
  own: boolean;
}
