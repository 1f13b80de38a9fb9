import type { NoticeKey } from "../../locales/index.ts";
import { Icon } from "./icons.tsx";
import type { PageContext } from "./page.ts";

/** Which drafts a success makes superfluous (client/drafts.ts). */
const FINISHED: Partial<Record<NoticeKey, string>> = {
  "notices.post_published": "post",
  "notices.proposal_published": "proposal",
  "notices.organization_created": "organization",
  "notices.agreement_offered": "agreement",
};

/** What just happened, said once after a redirect. */
export const Notice = ({ page }: { page: PageContext }) =>
  page.notice ? (
    <p class="notice" role="status" data-draft-done={FINISHED[page.notice]}>
      <Icon name="check" />
      {page.t(page.notice)}
    </p>
  ) : null;
