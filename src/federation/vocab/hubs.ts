import type { HubView } from "../../domain/hubs/queries.ts";
import type { JsonObject } from "../../json.ts";
import { AYNI, document } from "./context.ts";

/** The hub's currency: what one credit is and how many of them stand for an HOUR. */
export function toCurrency(hub: HubView): JsonObject {
  return document(
    ["https://www.w3.org/ns/activitystreams", { vf: "https://w3id.org/valueflows/ont/vf#", ayni: AYNI }],
    {
      id: `${hub.origin}/currency`,
      type: ["Document", "vf:ResourceSpecification"],
      attributedTo: `${hub.origin}/actor`,
      name: hub.currencyName,
      url: `${hub.origin}/currency`,
      "ayni:symbol": hub.currencySymbol,
      "ayni:scale": hub.currencyScale,
      "ayni:rate": { n: hub.currencyRateN.toString(), d: hub.currencyRateD.toString() },
      "ayni:rateSince": hub.created.toISOString(),
    },
  );
}

export interface Currency {
  symbol: string;
  scale: number;
}

/** What is needed of another hub's currency to show a price; null when it is not such a document. */
export function parseCurrency(json: unknown): Currency | null {
  if (typeof json !== "object" || json === null) return null;
  const { "ayni:symbol": symbol, "ayni:scale": scale } = json as Record<string, unknown>;
  if (typeof symbol !== "string" || symbol.trim() === "" || [...symbol].length > 8) return null;
  if (typeof scale !== "number" || !Number.isInteger(scale) || scale < 0 || scale > 6) return null;
  return { symbol: symbol.trim(), scale };
}
