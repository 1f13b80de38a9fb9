import { Icon } from "../ui/icons.tsx";
import { Waiting } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";

/** Leads to the agreements, and says how many wait; where the column with the navigation has no room. */
export const AgreementsLink = ({ page }: { page: PageContext }) =>
  page.viewer === null ? null : (
    <a class="agreements-link" href="/agreements">
      <Icon name="agreement" />
      {page.t("nav.agreements")}
      {page.waiting ? <Waiting page={page} count={page.waiting} /> : null}
    </a>
  );
