import type { Child } from "hono/jsx";
import type { ActorView, ProfileView } from "../../domain/actors/queries.ts";
import { VerifiedBadge } from "../organizations/verified-badge.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";

/** An actor's page on this hub, for actors of other servers too. */
export function actorPath(actor: ActorView): string {
  return `/@${actor.acct}`;
}

/** The handle in full, as one gives it to somebody on another server. */
export function fullHandle(page: PageContext, actor: ActorView): string {
  return `@${actor.handle}@${actor.host ?? page.hub.host}`;
}

/** A handle; always left to right, and may break at its dots. */
export const Handle = ({ children }: { children: Child }) => (
  <bdi class="handle" dir="ltr">
    {children}
  </bdi>
);

/** An actor in a list, with what one can do about it. */
export const ActorCard = ({
  page,
  actor,
  relation,
}: {
  page: PageContext;
  actor: ActorView;
  /** Given where the list offers to follow. */
  relation?: ProfileView["relation"] | null;
}) => (
  <article class="card actor">
    <Avatar page={page} actor={actor} />
    <div class="actor-text">
      <h2 class="actor-name">
        <a href={actorPath(actor)}>
          <bdi>{actor.name}</bdi>
        </a>
      </h2>
      <p class="quiet">
        <Handle>@{actor.acct}</Handle> · {page.t(`kinds.${actor.kind}`)}
      </p>
      <VerifiedBadge page={page} actor={actor} />
      <Excerpt html={actor.summary} />
    </div>
    {relation ? <FollowForm page={page} actor={actor} relation={relation} /> : null}
  </article>
);

/** The first words of a summary, as plain text: cards are links and hold no others. */
const Excerpt = ({ html }: { html: string }) => {
  const text = plainText(html);
  if (text === "") return null;
  const letters = [...text];
  return (
    <p class="excerpt" dir="auto">
      {letters.length > 160 ? `${letters.slice(0, 160).join("").trimEnd()}…` : text}
    </p>
  );
};

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: " ", "#39": "'" };

/** Text of sanitized HTML. What it returns is not HTML and is escaped again where it is shown. */
export function plainText(html: string): string {
  return html
    .replace(/<[^>]*>/g, " ")
    .replace(/&(amp|lt|gt|quot|nbsp|#39);/g, (_, name: string) => ENTITIES[name] ?? " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** Follow, take back a request, or stop following. Nobody follows themselves. */
export const FollowForm = ({
  page,
  actor,
  relation,
}: {
  page: PageContext;
  actor: ActorView;
  relation: ProfileView["relation"];
}) => {
  const { t, viewer } = page;
  if (!viewer || viewer.acting.id === actor.id) return null;
  const organization = viewer.acting.id !== viewer.person.id;
  const follows = relation.following !== "no";
  return (
    <form class="follow" method="post" action={follows ? "/follows/undo" : "/follows"}>
      <input type="hidden" name="as" value={viewer.acting.handle} />
      <input type="hidden" name="actor" value={String(actor.id)} />
      <input type="hidden" name="next" value={page.path} />
      <button class={follows ? "button button-quiet" : "button"} type="submit">
        {follows ? (
          <Icon name={relation.following === "pending" ? "clock" : "check"} />
        ) : (
          <Icon name="plus" />
        )}
        {relation.following === "pending"
          ? t("follow.cancel")
          : follows
            ? t("follow.unfollow")
            : organization
              ? t("follow.follow_as", { name: viewer.acting.name })
              : t("follow.follow")}
        <span class="hidden">
          {" "}
          <bdi>{actor.name}</bdi>
        </span>
      </button>
    </form>
  );
};
