import type { ActorView } from "../../domain/actors/queries.ts";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";

/** Says that this hub knows the organization; nothing for others. `small`: as a mark beside its name. */
export const VerifiedBadge = ({
  page,
  actor,
  small,
}: {
  page: PageContext;
  actor: ActorView;
  small?: boolean;
}) => {
  if (!actor.verified) return null;
  const text = page.t("verified.badge", { hub: page.hub.name });
  return (
    <span class={small ? "verified" : "badge verified"} title={small ? text : undefined}>
      <Icon name="check" />
      {small ? <span class="hidden">{text}</span> : text}
    </span>
  );
};
