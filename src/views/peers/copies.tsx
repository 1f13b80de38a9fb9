import type { Copy } from "../../domain/peers/copies.ts";
import type { CopiedHub } from "../../domain/peers/hubs.ts";
import { intlTag, type Locale } from "../../locales/index.ts";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { FactList } from "../ui/text.tsx";
import { count, Moment } from "../ui/time.tsx";

/** How old a copy may be and why; null while it is fresh. */
export function staleText({ t, locale }: PageContext, { name, stale }: CopiedHub): string | null {
  if (stale === null) return null;
  const { why, seconds } = stale;
  if (seconds === null) return t(`copies.${why}_never`, { hub: name });
  return t(`copies.${why}`, { hub: name, ago: agoText(locale, seconds) });
}

const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** "3 hours ago" */
function agoText(locale: Locale, seconds: number): string {
  const [unit, length] = STEPS.find(([, length]) => seconds >= length) ?? ["minute", 60];
  return new Intl.RelativeTimeFormat(intlTag(locale)).format(-Math.floor(seconds / length), unit);
}

const SHOWN = 10;

/** On lists of all hubs: whose copy is not complete yet, and whose may be old. */
export const CopyNotes = ({ page, hubs }: { page: PageContext; hubs: readonly CopiedHub[] }) => {
  const notes = hubs.map((hub) => noteOf(page, hub)).filter((note) => note !== null);
  if (notes.length === 0) return null;
  return (
    <div role="status">
      <ul class="facts-line">
        {notes.slice(0, SHOWN).map((note) => (
          <li dir="auto">
            <Icon name="clock" />
            <span>{note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
};

function noteOf(page: PageContext, hub: CopiedHub): string | null {
  const { t, locale } = page;
  if (hub.complete) return staleText(page, hub);
  if (hub.total === null) return staleText(page, hub) ?? t("copies.begun", { hub: hub.name });
  const progress = { copied: count(locale, hub.copied), total: count(locale, hub.total) };
  return t("copies.progress", { hub: hub.name, ...progress });
}

/** A filter's choices: this hub, and each that is copied here. */
export function hubOptions({ t }: PageContext, hubs: readonly CopiedHub[]) {
  return [
    { value: "", label: t("exchange.hub_all") },
    { value: "here", label: t("home.hub") },
    ...hubs.map(({ host, name }) => ({ value: host, label: name })),
  ];
}

/** The filter as an address has it. */
export function hubParameter(
  hubs: readonly CopiedHub[],
  hub: "here" | bigint | undefined,
): string | undefined {
  return hub === "here" ? hub : hubs.find(({ id }) => id === hub)?.host;
}

/** How far the copy of a peer is, for administrators: progress, what was in the way, and since when all is here. */
export const CopyState = ({ page, copy }: { page: PageContext; copy: Copy }) => {
  const { t, locale } = page;
  const { running, copied, total, skipped, completed, compared, failure, due } = copy;
  const amounts = { copied: count(locale, copied), total: count(locale, total ?? 0) };
  return (
    <>
      {running && total !== null && total > 0 ? (
        <progress value={Math.min(copied, total)} max={total} aria-label={t("copies.title")} />
      ) : null}
      <FactList
        facts={[
          [t("copies.title"), total === null ? t("copies.none_yet") : t("copies.amount", amounts)],
          [t("copies.skipped"), skipped === 0 ? null : count(locale, skipped)],
          [t("copies.completed"), completed && <Moment page={page} at={completed} />],
          [t("copies.compared"), compared && <Moment page={page} at={compared} />],
          [t("copies.failure"), failure && t(`copy_failures.${failure}`)],
          [t("copies.due"), failure && due && <Moment page={page} at={due} />],
        ]}
      />
    </>
  );
};
