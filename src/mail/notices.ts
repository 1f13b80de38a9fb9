import { z } from "zod";
import type { Ctx } from "../domain/context.ts";
import { localHub } from "../domain/hubs/queries.ts";
import { markMailed } from "../domain/notices/commands.ts";
import { type MailOfNotices, unmailed } from "../domain/notices/queries.ts";
import { DEFAULT_LOCALE, dirOf, isLocale, noticeText, translator } from "../locales/index.ts";
import { Discard } from "../queue/errors.ts";
import { type Mail, MailError, type Mailer } from "./mailer.ts";

/** Notices whose text stands in one mail; the rest is counted. */
const MAX_SHOWN = 20;
const RIGHT_TO_LEFT_MARK = "\u200f";
const mailJob = z.object({
  accountId: z
    .string()
    .regex(/^[1-9][0-9]{0,18}$/)
    .transform(BigInt),
});

/**
 * The handler of the queue "mails": sends an account what it has neither seen nor been mailed. Sent first and noted after, so
 * that a process that dies in between sends it again.
 */
export function createMailWorker(ctx: Ctx, mailer: Mailer) {
  return async ({ payload }: { payload: unknown }): Promise<void> => {
    const { accountId } = mailJob.parse(payload);
    const found = await unmailed(ctx, accountId);
    if (found === null) return;
    const ids = found.notices.map(({ id }) => id);
    const { name } = await localHub(ctx);
    try {
      await mailer.send(noticesMail(found, { name, origin: ctx.hub.origin }));
    } catch (error) {
      if (!(error instanceof MailError && error.refused)) throw error;
      await markMailed(ctx, ids);
      throw new Discard(error.message);
    }
    await markMailed(ctx, ids);
  };
}

/** One mail with an account's notices, in its language. Of messages between people only that there are some. */
export function noticesMail(
  { email, locale: stored, person, notices }: MailOfNotices,
  hub: { name: string; origin: string },
): Mail {
  const locale = isLocale(stored) ? stored : DEFAULT_LOCALE;
  const t = translator(locale);
  // A name with line ends could write lines that look like the hub's. A line's direction is that of its first letter, which may be
  // a name's.
  const line = (text: string) =>
    (dirOf(locale) === "rtl" ? RIGHT_TO_LEFT_MARK : "") + text.replace(/[\s\u2028\u2029]+/g, " ");
  const settings = `${hub.origin}/settings/notices`;
  const shown = notices.slice(0, MAX_SHOWN);
  const [first] = shown;
  const parts = shown.map((notice) => {
    const as = notice.actor.id === person.id ? [] : [line(t("mail.for", { name: notice.actor.name }))];
    return [...as, line(noticeText(t, notice)), hub.origin + notice.path].join("\n");
  });
  const rest = notices.length - shown.length;
  if (rest > 0) parts.push(`${line(t("mail.more", { count: rest }))}\n${hub.origin}/notices`);
  return {
    to: email,
    fromName: hub.name,
    subject:
      notices.length === 1 && first !== undefined
        ? noticeText(t, first)
        : t("mail.several", { count: notices.length, hub: hub.name }),
    text: [
      line(t("mail.greeting", { name: person.name })),
      ...parts,
      `-- \n${line(t("mail.why", { hub: hub.name }))}\n${settings}\n`,
    ].join("\n\n"),
    id: `notices.${person.id}.${notices.at(-1)?.id}`,
    headers: { "List-Unsubscribe": `<${settings}>`, "Content-Language": locale },
  };
}
