import type { Child } from "hono/jsx";
import type { Viewer } from "../../domain/accounts/queries.ts";
import type { PageContext } from "../ui/page.ts";

/** A form of those who run the hub. They decide as the people they are, whichever organization they act for elsewhere. */
export const AdminForm = ({
  page,
  action,
  submit,
  quiet = false,
  children,
}: {
  page: PageContext & { viewer: Viewer };
  action: string;
  /** What the button says. */
  submit: string;
  quiet?: boolean;
  children?: Child;
}) => (
  <form class="form" method="post" action={action}>
    <input type="hidden" name="as" value={page.viewer.person.handle} />
    {children}
    <div class="actions">
      <button class={quiet ? "button button-quiet" : "button"} type="submit">
        {submit}
      </button>
    </div>
  </form>
);
