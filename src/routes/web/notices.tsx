import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { markRead, setMails } from "../../domain/notices/commands.ts";
import { noticesOf, wantsMails } from "../../domain/notices/queries.ts";
import { NoticeSettingsPage } from "../../views/notices/notice-settings-page.tsx";
import { NoticesPage } from "../../views/notices/notices-page.tsx";
import type { Env } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { formFields, render, type Web } from "./page.tsx";

export function noticeRoutes(web: Web) {
  const { ctx } = web;
  return new Hono<Env>()
    .get("/notices", async (c) => {
      const viewer = requireViewer(c);
      const before = parseId(c.req.query("before"));
      const notices = await noticesOf(ctx, viewer.accountId, before);
      const [newest] = notices.items;
      const seen = before === null && c.req.method === "GET";
      // On this page they are still marked as new; the number in the frame is gone.
      if (seen && newest !== undefined && viewer.unread > 0) await markRead(ctx, viewer.accountId, newest.id);
      const page = { ...web.page(c), viewer: { ...viewer, unread: seen ? 0 : viewer.unread } };
      return render(c, <NoticesPage page={page} notices={notices} />);
    })
    .get("/settings/notices", async (c) => {
      const viewer = requireViewer(c);
      const mails = await wantsMails(ctx, viewer.accountId);
      return render(c, <NoticeSettingsPage page={{ ...web.page(c), viewer }} mails={mails} />);
    })
    .post("/settings/notices", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      await setMails(ctx, viewer.accountId, fields.mails !== undefined);
      return web.done(c, "/settings/notices", "notices.mails_saved");
    });
}
