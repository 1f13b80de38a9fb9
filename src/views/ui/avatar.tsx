import type { ActorView } from "../../domain/actors/queries.ts";
import type { PageContext } from "./page.ts";

const COLOURS = 8n;

/**
 * A picture, or initials on a colour that stays with the actor. People are round, organizations square. Pictures of
 * other servers are not loaded: that would tell those servers who reads what.
 */
export const Avatar = ({ page, actor, small }: { page: PageContext; actor: ActorView; small?: boolean }) => {
  const shape = `avatar${small ? " avatar-small" : ""}${actor.kind === "Person" ? " avatar-round" : ""}`;
  if (actor.avatar && (actor.avatar.startsWith("/") || actor.avatar.startsWith(`${page.hub.origin}/`))) {
    return <img class={shape} src={actor.avatar} alt="" width="48" height="48" loading="lazy" />;
  }
  return (
    <span class={`${shape} avatar-${(actor.id >> 16n) % COLOURS}`} aria-hidden="true">
      {initials(actor.name || actor.handle)}
    </span>
  );
};

/** First letters of the first two words, skipping short joining words when there are enough others. */
export function initials(name: string): string {
  const words = name.split(/[\s_.-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const long = words.filter((word) => [...word].length > 3);
  return (long.length >= 2 ? long : words)
    .slice(0, 2)
    .map((word) => [...word][0])
    .join("")
    .toLocaleUpperCase();
}
